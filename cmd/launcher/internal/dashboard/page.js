'use strict';
const live = text => { document.getElementById('live').textContent = text; };
let text = 'as of';

// sync makes what is shown like another tree, and leaves alone what is the same: the focus, a selection and what is
// open stay. Elements with an id are known by it.
function sync(to, from) {
  let at = to.firstChild;
  for (const child of [...from.childNodes]) {
    const like = node => node.nodeName === child.nodeName && (node.id || '') === (child.id || '');
    let found = at;
    while (child.id && found && !like(found)) found = found.nextSibling;
    if (child.id && found) while (at !== found) at = drop(at);
    if (at && like(at)) {
      if (at.nodeType === Node.ELEMENT_NODE) { attributes(at, child); sync(at, child); }
      else if (at.nodeValue !== child.nodeValue) at.nodeValue = child.nodeValue;
      at = at.nextSibling;
    } else to.insertBefore(child, at);
  }
  while (at) at = drop(at);
}
function drop(node) { const next = node.nextSibling; node.remove(); return next; }
function attributes(to, from) {
  for (const { name } of [...to.attributes]) if (name !== 'open' && !from.hasAttribute(name)) to.removeAttribute(name);
  for (const { name, value } of from.attributes) if (to.getAttribute(name) !== value) to.setAttribute(name, value);
}

let source;
function connect() {
  source = new EventSource('dashboard/stream');
  source.onopen = () => { text = 'live,'; live(text); };
  source.onerror = () => {
    text = 'not live since'; live(text);
    if (source.readyState === EventSource.CLOSED) { source = undefined; setTimeout(resume, 5000); }
  };
  for (const part of document.querySelectorAll('[data-part]')) {
    source.addEventListener(part.dataset.part, event => {
      const made = document.createElement('template');
      made.innerHTML = event.data;
      if (part.dataset.part === 'head') made.content.getElementById('live').textContent = text;
      sync(part, made.content);
    });
  }
}
// Who does not look is sent nothing.
function resume() {
  if (document.hidden) { if (source) source.close(); source = undefined; } else if (!source) connect();
}
document.addEventListener('visibilitychange', resume);
resume();

/* The same responses as wire.rb, by libfcgi: responder SOCKET WORKERS FOLDER */

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BACKLOG 1024
#define BLOCK 65536

struct body {
  const char *path;
  char *bytes;
  size_t size;
};

static struct body bodies[] = {{"/hello", NULL, 0}, {"/page", NULL, 0}, {"/body", NULL, 0}};
static const char *folder;
static char block[BLOCK];

static void fail(const char *what) {
  fprintf(stderr, "responder: %s: %s\n", what, strerror(errno));
  exit(1);
}

/* Opens the file of a path and sets its size. */
static int open_file(const char *path, size_t *size) {
  char name[4096];
  struct stat stat;
  snprintf(name, sizeof name, "%s%s", folder, path);
  int fd = open(name, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &stat) < 0)
    fail(name);
  *size = stat.st_size;
  return fd;
}

static void load(struct body *body) {
  int fd = open_file(body->path, &body->size);
  body->bytes = malloc(body->size);
  for (size_t have = 0; have < body->size;) {
    ssize_t more = read(fd, body->bytes + have, body->size - have);
    if (more <= 0)
      fail(body->path);
    have += more;
  }
  close(fd);
}

static void head(FCGX_Request *request, const char *type, size_t length) {
  char text[256];
  int size = snprintf(text, sizeof text, "Status: 200\r\ncontent-type: %s\r\ncontent-length: %zu\r\n\r\n", type, length);
  FCGX_PutStr(text, size, request->out);
}

static void text(FCGX_Request *request, const char *bytes, size_t size) {
  head(request, "text/html; charset=utf-8", size);
  FCGX_PutStr(bytes, size, request->out);
}

static void post(FCGX_Request *request) {
  size_t size = 0;
  char answer[32];
  int more;
  while ((more = FCGX_GetStr(block, sizeof block, request->in)) > 0)
    size += more;
  text(request, answer, snprintf(answer, sizeof answer, "%zu\n", size));
}

static void file(FCGX_Request *request, const char *path) {
  size_t size;
  int fd = open_file(path, &size);
  ssize_t more;
  head(request, "text/plain", size);
  while ((more = read(fd, block, sizeof block)) > 0 && FCGX_PutStr(block, more, request->out) >= 0)
    ;
  close(fd);
}

static void respond(FCGX_Request *request) {
  const char *path = FCGX_GetParam("REQUEST_URI", request->envp);
  for (size_t i = 0; path && i < sizeof bodies / sizeof *bodies; i++) {
    if (strcmp(path, bodies[i].path) == 0) {
      text(request, bodies[i].bytes, bodies[i].size);
      return;
    }
  }
  if (path && strcmp(path, "/post") == 0)
    post(request);
  else if (path && (strcmp(path, "/file-10") == 0 || strcmp(path, "/file-100") == 0))
    file(request, path);
  else if (path && (strcmp(path, "/sendfile-10") == 0 || strcmp(path, "/sendfile-100") == 0))
    FCGX_FPrintF(request->out, "Status: 200\r\ncontent-type: text/plain\r\nx-sendfile: %s/%s\r\n\r\n", folder, path + strlen("/send"));
  else
    FCGX_FPrintF(request->out, "Status: 404\r\ncontent-length: 0\r\n\r\n");
}

static void serve(int listener) {
  FCGX_Request request;
  FCGX_InitRequest(&request, listener, 0);
  while (FCGX_Accept_r(&request) == 0) {
    respond(&request);
    FCGX_Finish_r(&request);
  }
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: responder SOCKET WORKERS FOLDER\n");
    return 2;
  }
  folder = argv[3];
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
    load(&bodies[i]);
  FCGX_Init();
  int listener = FCGX_OpenSocket(argv[1], BACKLOG);
  if (listener < 0)
    fail("listen");
  pid_t parent = getpid();
  for (int i = atoi(argv[2]); i > 0; i--) {
    pid_t pid = fork();
    if (pid < 0)
      fail("fork");
    if (pid > 0)
      continue;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* it ends with its parent */
    if (getppid() == parent)
      serve(listener);
    return 1;
  }
  wait(NULL);
  return 1;
}

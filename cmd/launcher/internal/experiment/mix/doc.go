// Package mix has the requests that a load is made of: methods, paths, bodies, and how often each of
// them comes.
//
// What always holds: it is plain data and what follows from it; nothing here sends anything. The same
// mix gives the same requests in the same order, whoever serves them. A file is read whole or
// refused with its name and the line.
package mix

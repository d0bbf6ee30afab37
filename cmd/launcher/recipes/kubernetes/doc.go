// Package manifests tests the manifests of this folder. It is a module of its own, so that the launcher needs none of
// Kubernetes.
package manifests

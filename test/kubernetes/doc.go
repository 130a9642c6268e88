// Package kubernetes builds deploy/kubernetes with kustomize and holds the
// result against the API server's own validation, and runs what its Job would:
// several processes of the built binary on this machine. It is a module of its
// own, so that Kubernetes is no dependency of the tool.
package kubernetes

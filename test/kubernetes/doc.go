// Package kubernetes holds deploy/kubernetes against the API's own types, and
// runs what its Job would: several processes of the built binary on this
// machine. It is a module of its own, so that Kubernetes is no dependency of
// the tool.
package kubernetes

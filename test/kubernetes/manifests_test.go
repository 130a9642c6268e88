package kubernetes

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"
)

const manifests = "../../deploy/kubernetes"

// kustomization is what is used of it.
type kustomization struct {
	APIVersion         string `json:"apiVersion"`
	Kind               string `json:"kind"`
	Resources          []string
	ConfigMapGenerator []struct {
		Name  string
		Files []string
	} `json:"configMapGenerator"`
}

func kustomized(t *testing.T) kustomization {
	t.Helper()
	var k kustomization
	if err := yaml.UnmarshalStrict(file(t, "kustomization.yaml"), &k); err != nil {
		t.Fatal(err)
	}
	return k
}

func file(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(manifests, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// objects decodes every manifest strictly with the API's own types: a field
// that is unknown, doubled or of the wrong type is an error.
func objects(t *testing.T) []runtime.Object {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, batchv1.AddToScheme, appsv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	var out []runtime.Object
	for _, name := range kustomized(t).Resources {
		for _, document := range bytes.Split(file(t, name), []byte("\n---\n")) {
			object, kind, err := decoder.Decode(document, nil, nil)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			t.Logf("%s: %s", name, kind)
			out = append(out, object)
		}
	}
	return out
}

func one[T runtime.Object](t *testing.T) T {
	t.Helper()
	var found []T
	for _, o := range objects(t) {
		if v, ok := o.(T); ok {
			found = append(found, v)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d objects of %T, want one", len(found), *new(T))
	}
	return found[0]
}

// The Job is what the documentation says: indexed, all at once, nobody started
// again; and its parts agree on the number of workers.
func TestJob(t *testing.T) {
	job := one[*batchv1.Job](t)
	s := job.Spec
	if s.CompletionMode == nil || *s.CompletionMode != batchv1.IndexedCompletion || *s.Completions != *s.Parallelism ||
		*s.BackoffLimitPerIndex != 0 || *s.MaxFailedIndexes != *s.Completions {
		t.Errorf("%+v", s)
	}
	pod := s.Template.Spec
	args := strings.Join(pod.Containers[0].Args, " ")
	if want := "--worker=$(JOB_COMPLETION_INDEX)/4 "; *s.Completions != 4 || !strings.Contains(args, want) {
		t.Errorf("%d completions, arguments %s", *s.Completions, args)
	}
	if pod.RestartPolicy != corev1.RestartPolicyNever || !s.Template.Spec.Containers[0].Resources.Requests.Cpu().Equal(*s.Template.Spec.Containers[0].Resources.Limits.Cpu()) {
		t.Errorf("restart %s, resources %v", pod.RestartPolicy, pod.Containers[0].Resources)
	}
	for i, e := range pod.Containers[0].Env { // $(NAME) sees only what stands before it
		for _, part := range strings.Split(e.Value, "$(")[1:] {
			name, _, _ := strings.Cut(part, ")")
			if !slices.ContainsFunc(pod.Containers[0].Env[:i], func(v corev1.EnvVar) bool { return v.Name == name }) {
				t.Errorf("%s uses $(%s), which does not stand before it", e.Name, name)
			}
		}
	}
}

// Pods are fenced in, and speak to no API.
func TestPods(t *testing.T) {
	for name, pod := range map[string]corev1.PodSpec{"job": one[*batchv1.Job](t).Spec.Template.Spec, "collector": one[*appsv1.Deployment](t).Spec.Template.Spec} {
		if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken || pod.ServiceAccountName != "" {
			t.Errorf("%s: mounts a token of the API", name)
		}
		if c := pod.SecurityContext; c == nil || c.RunAsNonRoot == nil || !*c.RunAsNonRoot || c.SeccompProfile == nil {
			t.Errorf("%s: %+v", name, pod.SecurityContext)
		}
		for _, c := range pod.Containers {
			if s := c.SecurityContext; s == nil || !*s.ReadOnlyRootFilesystem || *s.AllowPrivilegeEscalation || !slices.Contains(s.Capabilities.Drop, "ALL") {
				t.Errorf("%s: %+v", name, s)
			}
			if c.Resources.Limits.Cpu().IsZero() || c.Resources.Limits.Memory().IsZero() {
				t.Errorf("%s: no limits", name)
			}
			if _, tag, ok := strings.Cut(c.Image, ":"); !ok || tag == "latest" {
				t.Errorf("%s: image %s is not pinned", name, c.Image)
			}
		}
	}
}

// Names that one object uses are made by another, or by the README's commands.
func TestReferences(t *testing.T) {
	made := map[string]bool{}
	for _, g := range kustomized(t).ConfigMapGenerator {
		made["configmap/"+g.Name] = true
		for _, f := range g.Files {
			file(t, f)
		}
	}
	made["claim/"+one[*corev1.PersistentVolumeClaim](t).Name] = true
	readme := string(file(t, "README.md"))
	for _, kind := range []string{"secret generic ", "configmap "} {
		for _, part := range strings.Split(readme, "kubectl create "+kind)[1:] {
			made[strings.Fields(kind)[0]+"/"+strings.Fields(part)[0]] = true
		}
	}
	need := func(what string) {
		if !made[what] {
			t.Errorf("%s is used, and nothing makes it", what)
		}
	}
	for _, pod := range []corev1.PodSpec{one[*batchv1.Job](t).Spec.Template.Spec, one[*appsv1.Deployment](t).Spec.Template.Spec} {
		for _, v := range pod.Volumes {
			if v.ConfigMap != nil {
				need("configmap/" + v.ConfigMap.Name)
			}
			if v.PersistentVolumeClaim != nil {
				need("claim/" + v.PersistentVolumeClaim.ClaimName)
			}
		}
		for _, e := range pod.Containers[0].Env {
			if e.ValueFrom == nil {
				continue
			}
			if r := e.ValueFrom.ConfigMapKeyRef; r != nil {
				need("configmap/" + r.Name)
				if !strings.Contains(readme, "--from-literal="+r.Key+"=") {
					t.Errorf("the README makes no key %s", r.Key)
				}
			}
			if r := e.ValueFrom.SecretKeyRef; r != nil {
				need("secret/" + r.Name)
			}
		}
	}
	service := one[*corev1.Service](t)
	for _, o := range []string{service.Name, one[*batchv1.Job](t).Name, one[*appsv1.Deployment](t).Name} {
		if problems := validation.IsDNS1123Label(o); len(problems) > 0 {
			t.Errorf("%s: %v", o, problems)
		}
	}
	for _, e := range one[*batchv1.Job](t).Spec.Template.Spec.Containers[0].Env {
		if e.Name == "OTEL_EXPORTER_OTLP_ENDPOINT" && e.Value != "http://"+service.Name+":4318" {
			t.Errorf("workers push to %s, the service is %s", e.Value, service.Name)
		}
	}
}

// The collector listens where its container, its Service and its probes say.
func TestCollectorListens(t *testing.T) {
	var config struct {
		Extensions map[string]struct{ Endpoint string }
		Receivers  struct {
			OTLP struct {
				Protocols map[string]struct{ Endpoint string }
			} `json:"otlp"`
		}
		Service struct{ Extensions []string }
	}
	if err := yaml.Unmarshal(file(t, "collector-config.yaml"), &config); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(config.Service.Extensions, "health_check") {
		t.Error("the collector's health_check is configured and not started")
	}
	protocols := config.Receivers.OTLP.Protocols
	listens := map[string]string{"otlp-grpc": protocols["grpc"].Endpoint, "otlp-http": protocols["http"].Endpoint, "health": config.Extensions["health_check"].Endpoint}
	ports := map[string]int32{}
	container := one[*appsv1.Deployment](t).Spec.Template.Spec.Containers[0]
	for _, p := range container.Ports {
		ports[p.Name] = p.ContainerPort
		if want := fmt.Sprintf("0.0.0.0:%d", p.ContainerPort); listens[p.Name] != want {
			t.Errorf("port %s: the container has %s, the collector listens at %q", p.Name, want, listens[p.Name])
		}
	}
	for _, p := range one[*corev1.Service](t).Spec.Ports {
		if ports[p.TargetPort.String()] != p.Port {
			t.Errorf("the service's port %s leads to %s, container ports are %v", p.Name, p.TargetPort.String(), ports)
		}
	}
	for _, probe := range []*corev1.Probe{container.ReadinessProbe, container.LivenessProbe} {
		if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Port.String() != "health" {
			t.Errorf("a probe does not ask the health check: %+v", probe)
		}
	}
}

package kubernetes

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"
	gates "k8s.io/apiserver/pkg/util/feature"
	jobs "k8s.io/kubernetes/pkg/api/job"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	claims "k8s.io/kubernetes/pkg/api/persistentvolumeclaim"
	pods "k8s.io/kubernetes/pkg/api/pod"
	services "k8s.io/kubernetes/pkg/api/service"
	"k8s.io/kubernetes/pkg/apis/apps"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	appsvalidation "k8s.io/kubernetes/pkg/apis/apps/validation"
	"k8s.io/kubernetes/pkg/apis/batch"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	batchvalidation "k8s.io/kubernetes/pkg/apis/batch/validation"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	corevalidation "k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/features"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// create does with a manifest what the API server does with one that is to be
// created, up to its storage: it is decoded strictly, gets its defaults, and is
// held against the server's own rules, written and generated ones, for required
// fields, values, ranges and references within the object. Warnings are what the
// server would say beside it. Admission plugins and the cluster's state are not
// part.
func create(manifest []byte) (kind string, warnings []string, err error) {
	codecs := serializer.NewCodecFactory(legacyscheme.Scheme, serializer.EnableStrict)
	versioned, of, err := codecs.UniversalDeserializer().Decode(manifest, nil, nil)
	if err != nil {
		return "", nil, err
	}
	legacyscheme.Scheme.Default(versioned)
	named, err := meta.Accessor(versioned)
	if err != nil {
		return of.Kind, nil, err
	}
	named.SetNamespace("default")
	named.SetUID("00000000-0000-0000-0000-000000000000")
	object, err := legacyscheme.Scheme.ConvertToVersion(versioned, runtime.InternalGroupVersioner)
	if err != nil {
		return of.Kind, nil, err
	}
	options := map[string]bool{string(features.WorkloadWithJob): gates.DefaultFeatureGate.Enabled(features.WorkloadWithJob)} // of Jobs
	errs, warnings := validate(object)
	errs = append(errs, legacyscheme.Scheme.Validate(context.Background(), options, versioned)...)
	return of.Kind, warnings, errs.ToAggregate()
}

// validate holds an object against the written rules of its kind.
func validate(object runtime.Object) (errs field.ErrorList, warnings []string) {
	ctx, spec := context.Background(), field.NewPath("spec")
	switch o := object.(type) {
	case *core.ConfigMap:
		return corevalidation.ValidateConfigMap(o), nil
	case *core.PersistentVolumeClaim:
		return corevalidation.ValidatePersistentVolumeClaim(o, corevalidation.ValidationOptionsForPersistentVolumeClaim(o, nil)), claims.GetWarningsForPersistentVolumeClaim(o)
	case *core.Service:
		return corevalidation.ValidateServiceCreate(o), services.GetWarningsForService(o, nil)
	case *apps.Deployment:
		return appsvalidation.ValidateDeployment(o, pods.GetValidationOptionsFromPodTemplate(&o.Spec.Template, nil)),
			pods.GetWarningsForPodTemplate(ctx, spec.Child("template"), &o.Spec.Template, nil)
	case *batch.Job:
		warnings := jobs.WarningsForJobSpec(ctx, spec, &o.Spec, nil)
		selected(o)
		return batchvalidation.ValidateJobCreate(o, batchvalidation.JobValidationOptions{
			PodValidationOptions: pods.GetValidationOptionsFromPodTemplate(&o.Spec.Template, nil), RequirePrefixedLabels: true,
		}), warnings
	}
	return field.ErrorList{field.InternalError(nil, fmt.Errorf("no rules for %T: add those of its kind", object))}, nil
}

// selected gives a Job the selector, and its pods the labels, that the API
// server does: by the Job's own name and UID, under names of today and of old.
func selected(job *batch.Job) {
	labels := map[string]string{batch.ControllerUidLabel: string(job.UID), batch.LegacyControllerUidLabel: string(job.UID),
		batch.JobNameLabel: job.Name, batch.LegacyJobNameLabel: job.Name}
	if job.Spec.Template.Labels == nil {
		job.Spec.Template.Labels = map[string]string{}
	}
	maps.Copy(job.Spec.Template.Labels, labels)
	job.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{batch.ControllerUidLabel: string(job.UID)}}
}

// built are the manifests as kubectl apply -k sends them, put together by
// kustomize itself.
func built(t *testing.T) (all [][]byte) {
	t.Helper()
	result, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), manifests)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range result.Resources() {
		manifest, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, manifest)
	}
	return all
}

// An API server would take all that kustomize builds, and have no word of
// warning about it.
func TestCreated(t *testing.T) {
	var kinds []string
	for _, manifest := range built(t) {
		kind, warnings, err := create(manifest)
		if err != nil || len(warnings) > 0 {
			t.Errorf("%v, warnings %q, of\n%s", err, warnings, manifest)
		}
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	want := []string{"ConfigMap", "ConfigMap", "Deployment", "Job", "PersistentVolumeClaim", "Service"}
	if !slices.Equal(kinds, want) {
		t.Errorf("built %q, want %q", kinds, want)
	}
}

// What is generated gets a name by its content; kustomize writes it where it is
// used, so that pods see a changed profile or configuration.
func TestGeneratedNamesAreUsed(t *testing.T) {
	all := string(bytes.Join(built(t), []byte("---\n")))
	for _, g := range kustomized(t).ConfigMapGenerator {
		if n := strings.Count(all, "name: "+g.Name+"-"); n != 2 {
			t.Errorf("%s with its hash stands %d times in what was built, want the ConfigMap and its one use", g.Name, n)
		}
	}
}

// Mistakes in a manifest are found: the check can fail.
func TestRefused(t *testing.T) {
	for _, tt := range []struct{ what, file, old, new, want string }{
		{"unknown field", "job.yaml", "completions: 4", "completion: 4", `unknown field "spec.completion"`},
		{"field twice", "job.yaml", "parallelism: 4", "completions: 4", `key "completions" already set`},
		{"wrong type", "job.yaml", "completions: 4", "completions: four", "cannot unmarshal string"},
		{"enum", "job.yaml", "completionMode: Indexed", "completionMode: Numbered", `spec.completionMode: Unsupported value: "Numbered"`},
		{"enum in a list", "bundles.yaml", "[ReadWriteMany]", "[ReadWriteAll]", `spec.accessModes: Unsupported value: "ReadWriteAll"`},
		{"enum of the pod", "job.yaml", "restartPolicy: Never", "restartPolicy: Always", `spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"`},
		{"required field", "job.yaml", "image: schload:dev", "", "spec.template.spec.containers[0].image: Required value"},
		{"required by another field", "job.yaml", "completions: 4", "", "spec.completions: Required value: when completion mode is Indexed"},
		{"required list", "collector.yaml", "ports:\n    - {name: otlp-grpc, port: 4317, targetPort: otlp-grpc}\n    - {name: otlp-http, port: 4318, targetPort: otlp-http}", "", "spec.ports: Required value"},
		{"below its range", "job.yaml", "completions: 4", "completions: -4", "spec.completions: Invalid value: -4: must be greater than or equal to 0"},
		{"above its range", "collector.yaml", "port: 4317", "port: 70000", "spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535"},
		{"exclusive range", "job.yaml", "maxSkew: 1", "maxSkew: 0", "maxSkew: Invalid value: 0: must be greater than zero"},
		{"limit below the request", "job.yaml", `limits: {cpu: "2"`, `limits: {cpu: "1"`, "must be less than or equal to cpu limit"},
		{"no such volume", "job.yaml", "{name: bundles, mountPath", "{name: bundle, mountPath", `volumeMounts[1].name: Not found: "bundle"`},
		{"selector of other pods", "collector.yaml", "matchLabels: {app.kubernetes.io/name: schload-collector}", "matchLabels: {app.kubernetes.io/name: collector}", "`selector` does not match template `labels`"},
	} {
		t.Run(tt.what, func(t *testing.T) {
			text := string(file(t, tt.file))
			if strings.Count(text, tt.old) != 1 {
				t.Fatalf("%s has %q %d times", tt.file, tt.old, strings.Count(text, tt.old))
			}
			var errs []string
			for _, manifest := range strings.Split(strings.Replace(text, tt.old, tt.new, 1), "\n---\n") {
				if _, _, err := create([]byte(manifest)); err != nil {
					errs = append(errs, err.Error())
				}
			}
			if len(errs) != 1 || !strings.Contains(errs[0], tt.want) {
				t.Errorf("errors %q, want one with %q", errs, tt.want)
			}
		})
	}
}

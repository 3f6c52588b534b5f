//! The resource types that every cluster has, by all the names that kubectl takes for them. Types that a cluster adds
//! (custom resources) are known only where the line writes the plural with its group: `certificates.cert-manager.io`.

/// A resource type as RBAC names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Type {
    /// Plural, lower case.
    pub resource: String,
    /// `""` for the core group.
    pub group: String,
    pub namespaced: bool,
    /// In the table below; else the plural or the scope is what the line or a convention says.
    pub known: bool,
}

/// plural, kind, short names, group, namespaced. Kubernetes 1.32, `kubectl api-resources`.
const TABLE: &[(&str, &str, &[&str], &str, bool)] = &[
    ("bindings", "Binding", &[], "", true),
    ("componentstatuses", "ComponentStatus", &["cs"], "", false),
    ("configmaps", "ConfigMap", &["cm"], "", true),
    ("endpoints", "Endpoints", &["ep"], "", true),
    ("events", "Event", &["ev"], "", true),
    ("limitranges", "LimitRange", &["limits"], "", true),
    ("namespaces", "Namespace", &["ns"], "", false),
    ("nodes", "Node", &["no"], "", false),
    ("persistentvolumeclaims", "PersistentVolumeClaim", &["pvc"], "", true),
    ("persistentvolumes", "PersistentVolume", &["pv"], "", false),
    ("pods", "Pod", &["po"], "", true),
    ("podtemplates", "PodTemplate", &[], "", true),
    ("replicationcontrollers", "ReplicationController", &["rc"], "", true),
    ("resourcequotas", "ResourceQuota", &["quota"], "", true),
    ("secrets", "Secret", &[], "", true),
    ("serviceaccounts", "ServiceAccount", &["sa"], "", true),
    ("services", "Service", &["svc"], "", true),
    ("mutatingwebhookconfigurations", "MutatingWebhookConfiguration", &[], "admissionregistration.k8s.io", false),
    ("validatingadmissionpolicies", "ValidatingAdmissionPolicy", &[], "admissionregistration.k8s.io", false),
    (
        "validatingadmissionpolicybindings",
        "ValidatingAdmissionPolicyBinding",
        &[],
        "admissionregistration.k8s.io",
        false,
    ),
    ("validatingwebhookconfigurations", "ValidatingWebhookConfiguration", &[], "admissionregistration.k8s.io", false),
    ("customresourcedefinitions", "CustomResourceDefinition", &["crd", "crds"], "apiextensions.k8s.io", false),
    ("apiservices", "APIService", &[], "apiregistration.k8s.io", false),
    ("controllerrevisions", "ControllerRevision", &[], "apps", true),
    ("daemonsets", "DaemonSet", &["ds"], "apps", true),
    ("deployments", "Deployment", &["deploy"], "apps", true),
    ("replicasets", "ReplicaSet", &["rs"], "apps", true),
    ("statefulsets", "StatefulSet", &["sts"], "apps", true),
    ("selfsubjectreviews", "SelfSubjectReview", &[], "authentication.k8s.io", false),
    ("tokenreviews", "TokenReview", &[], "authentication.k8s.io", false),
    ("localsubjectaccessreviews", "LocalSubjectAccessReview", &[], "authorization.k8s.io", true),
    ("selfsubjectaccessreviews", "SelfSubjectAccessReview", &[], "authorization.k8s.io", false),
    ("selfsubjectrulesreviews", "SelfSubjectRulesReview", &[], "authorization.k8s.io", false),
    ("subjectaccessreviews", "SubjectAccessReview", &[], "authorization.k8s.io", false),
    ("horizontalpodautoscalers", "HorizontalPodAutoscaler", &["hpa"], "autoscaling", true),
    ("cronjobs", "CronJob", &["cj"], "batch", true),
    ("jobs", "Job", &[], "batch", true),
    ("certificatesigningrequests", "CertificateSigningRequest", &["csr"], "certificates.k8s.io", false),
    ("leases", "Lease", &[], "coordination.k8s.io", true),
    ("endpointslices", "EndpointSlice", &[], "discovery.k8s.io", true),
    ("events", "Event", &["ev"], "events.k8s.io", true),
    ("flowschemas", "FlowSchema", &[], "flowcontrol.apiserver.k8s.io", false),
    ("prioritylevelconfigurations", "PriorityLevelConfiguration", &[], "flowcontrol.apiserver.k8s.io", false),
    // An aggregated API that kubectl itself uses.
    ("nodes", "NodeMetrics", &[], "metrics.k8s.io", false),
    ("pods", "PodMetrics", &[], "metrics.k8s.io", true),
    ("ingressclasses", "IngressClass", &[], "networking.k8s.io", false),
    ("ingresses", "Ingress", &["ing"], "networking.k8s.io", true),
    ("networkpolicies", "NetworkPolicy", &["netpol"], "networking.k8s.io", true),
    ("runtimeclasses", "RuntimeClass", &[], "node.k8s.io", false),
    ("poddisruptionbudgets", "PodDisruptionBudget", &["pdb"], "policy", true),
    ("clusterrolebindings", "ClusterRoleBinding", &[], "rbac.authorization.k8s.io", false),
    ("clusterroles", "ClusterRole", &[], "rbac.authorization.k8s.io", false),
    ("rolebindings", "RoleBinding", &[], "rbac.authorization.k8s.io", true),
    ("roles", "Role", &[], "rbac.authorization.k8s.io", true),
    ("priorityclasses", "PriorityClass", &["pc"], "scheduling.k8s.io", false),
    ("csidrivers", "CSIDriver", &[], "storage.k8s.io", false),
    ("csinodes", "CSINode", &[], "storage.k8s.io", false),
    ("csistoragecapacities", "CSIStorageCapacity", &[], "storage.k8s.io", true),
    ("storageclasses", "StorageClass", &["sc"], "storage.k8s.io", false),
    ("volumeattachments", "VolumeAttachment", &[], "storage.k8s.io", false),
    // Newer, or not on every cluster.
    ("mutatingadmissionpolicies", "MutatingAdmissionPolicy", &[], "admissionregistration.k8s.io", false),
    ("mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding", &[], "admissionregistration.k8s.io", false),
    ("ipaddresses", "IPAddress", &["ip"], "networking.k8s.io", false),
    ("servicecidrs", "ServiceCIDR", &[], "networking.k8s.io", false),
    ("deviceclasses", "DeviceClass", &[], "resource.k8s.io", false),
    ("resourceclaims", "ResourceClaim", &[], "resource.k8s.io", true),
    ("resourceclaimtemplates", "ResourceClaimTemplate", &[], "resource.k8s.io", true),
    ("resourceslices", "ResourceSlice", &[], "resource.k8s.io", false),
    ("volumeattributesclasses", "VolumeAttributesClass", &["vac"], "storage.k8s.io", false),
];

/// What `all` stands for on a cluster without custom resources.
const ALL: &[&str] = &[
    "pods",
    "replicationcontrollers",
    "services",
    "daemonsets",
    "deployments",
    "replicasets",
    "statefulsets",
    "horizontalpodautoscalers",
    "cronjobs",
    "jobs",
];

/// What `api-extensions` stands for.
const EXTENSIONS: &[&str] = &[
    "apiservices",
    "customresourcedefinitions",
    "mutatingwebhookconfigurations",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "validatingwebhookconfigurations",
];

/// The types of a category; empty for what is none.
pub(super) fn category(word: &str) -> &'static [&'static str] {
    match word.to_lowercase().as_str() {
        "all" => ALL,
        "api-extensions" => EXTENSIONS,
        _ => &[],
    }
}

/// The types that one word of a TYPE argument means: a plural, singular, short name or kind, perhaps with version and
/// group, or a category.
pub(super) fn of_word(word: &str) -> Vec<Type> {
    let word = word.to_lowercase();
    let types = category(&word);
    if !types.is_empty() {
        return types.iter().flat_map(|name| of_word(name)).collect();
    }
    let (name, rest) = word.split_once('.').unwrap_or((&word, ""));
    // `pods.v1.` and `deployments.v1.apps` have a version first; `deployments.apps` has not.
    let (group, versioned) = match rest.split_once('.') {
        Some((version, group)) if is_version(version) => (group, true),
        _ => (rest, false),
    };
    let is_named = |(plural, kind, short, ..): &(&str, &str, &[&str], &str, bool)| {
        *plural == name || kind.eq_ignore_ascii_case(name) || short.contains(&name)
    };
    let found = TABLE.iter().find(|entry| {
        let (named, in_group) = (is_named(entry), entry.3);
        let core_or_any = group.is_empty() && (!versioned || in_group.is_empty());
        // A group may be cut short (apimachinery's DefaultRESTMapper).
        named && (core_or_any || !group.is_empty() && in_group.starts_with(group))
    });
    vec![match found {
        Some(entry) => known(entry),
        None => {
            // Of a group that the table lacks: `deployment.extensions` has the same plural there.
            let plural = TABLE.iter().find(|entry| is_named(entry)).map_or(name, |(plural, ..)| plural);
            Type { resource: plural.to_owned(), group: group.to_owned(), namespaced: true, known: !group.is_empty() }
        }
    }]
}

/// The type of a manifest's object. A kind that no cluster has by itself gets the plural by convention; its group is
/// the manifest's, so a policy on groups is not misled.
pub(super) fn of_kind(api_version: &str, kind: &str) -> Type {
    let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
    match TABLE.iter().find(|(_, known, _, in_group, _)| *known == kind && *in_group == group) {
        Some(entry) => known(entry),
        None => Type {
            resource: plural(&kind.to_lowercase()),
            group: group.to_owned(),
            namespaced: true,
            known: !group.is_empty(),
        },
    }
}

/// Whether no server has the kind: groups without a dot are Kubernetes' own, and these have been the same for long. Such are
/// kinds that only parts of things have (`Eviction`, `Scale`).
pub(super) fn is_none(api_version: &str, kind: &str) -> bool {
    let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
    let own = matches!(group, "" | "apps" | "batch" | "autoscaling") || (group, kind) == ("policy", "Eviction");
    // A kind is also found by its lower case, and by no other.
    let is = |known: &str| known == kind || known.to_lowercase() == kind;
    let version = !group.is_empty() || matches!(api_version.strip_prefix('/').unwrap_or(api_version), "" | "v1");
    own && !(version && TABLE.iter().any(|(_, known, _, of, _)| is(known) && *of == group))
}

/// The type of a kind in the table.
pub(super) fn registered(api_version: &str, kind: &str) -> Option<Type> {
    let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
    let known_kind = |(_, known, _, of, _): &&(&str, &str, &[&str], &str, bool)| *known == kind && *of == group;
    TABLE.iter().find(known_kind).filter(|_| !api_version.is_empty()).map(known)
}

/// By plural: `pods`.
pub(super) fn builtin(plural: &str) -> Type {
    match TABLE.iter().find(|(name, ..)| *name == plural) {
        Some(entry) => known(entry),
        None => Type { resource: plural.to_owned(), group: String::new(), namespaced: true, known: false },
    }
}

fn known((plural, _, _, group, namespaced): &(&str, &str, &[&str], &str, bool)) -> Type {
    Type { resource: (*plural).to_owned(), group: (*group).to_owned(), namespaced: *namespaced, known: true }
}

fn is_version(text: &str) -> bool {
    let digits = text.strip_prefix('v').unwrap_or_default();
    digits.starts_with(|c: char| c.is_ascii_digit())
}

/// apimachinery's UnsafeGuessKindToResource.
fn plural(singular: &str) -> String {
    if singular.ends_with("endpoints") {
        return singular.to_owned();
    }
    match singular.chars().last() {
        Some('s') => format!("{singular}es"),
        Some('y') => format!("{}ies", &singular[..singular.len() - 1]),
        _ => format!("{singular}s"),
    }
}

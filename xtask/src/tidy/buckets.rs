//! Holds every bucket to the same protection, whichever stack its policy is in.

use std::collections::BTreeSet;

use local::template::resources_by_name;
use serde_json::Value;

/// The settings that keep a bucket from the public.
const BLOCKS: [&str; 4] = [
    "BlockPublicAcls",
    "BlockPublicPolicy",
    "IgnorePublicAcls",
    "RestrictPublicBuckets",
];
/// Buckets whose objects the law or an auditor wants kept.
const KEPT: [&str; 2] = ["AuditBucket", "InvoiceBucket"];

/// Checks the buckets of all templates together.
pub(super) fn check<'a>(
    templates: impl Iterator<Item = &'a Value> + Clone,
    findings: &mut Vec<String>,
) {
    let resources = templates.flat_map(resources_by_name);
    let of = |wanted: &'static str| {
        let resources = resources.clone();
        resources.filter(move |(_, resource)| resource["Type"] == wanted)
    };
    let tls_only: BTreeSet<&str> = of("AWS::S3::BucketPolicy")
        .filter_map(|(_, policy)| tls_only(&policy["Properties"]))
        .collect();
    for (name, bucket) in of("AWS::S3::Bucket") {
        let bucket = &bucket["Properties"];
        let mut demand = |is_met: bool, what: &str| {
            if !is_met {
                findings.push(format!("{name} {what}"));
            }
        };
        let public = &bucket["PublicAccessBlockConfiguration"];
        demand(
            BLOCKS.iter().all(|block| public[block] == true),
            "does not block all public access",
        );
        demand(
            !bucket["BucketEncryption"].is_null(),
            "does not encrypt its objects",
        );
        demand(
            tls_only.contains(name),
            "needs a policy that denies every request without TLS",
        );
        if KEPT.contains(&name) {
            demand(
                bucket["VersioningConfiguration"]["Status"] == "Enabled"
                    && bucket["ObjectLockEnabled"] == true
                    && !bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"].is_null(),
                "must keep all versions of its objects, locked",
            );
        }
    }
}

/// The bucket of a policy that denies requests without TLS. Other stacks know a bucket by a parameter of its
/// name.
fn tls_only(policy: &Value) -> Option<&str> {
    let statements = policy["PolicyDocument"]["Statement"].as_array()?;
    let denies = |statement: &Value| {
        statement["Effect"] == "Deny"
            && statement["Principal"] == "*"
            && statement["Action"] == "s3:*"
            && statement["Condition"]["Bool"]["aws:SecureTransport"] == "false"
    };
    let bucket = policy["Bucket"]["Ref"].as_str()?;
    statements
        .iter()
        .any(denies)
        .then(|| bucket.strip_suffix("Name").unwrap_or(bucket))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    // Kind of fault: a protection that one of several places lacks.
    #[test]
    fn a_bucket_without_a_protection_is_found() {
        let whole = json!({ "Resources": {
            "InvoiceBucket": { "Type": "AWS::S3::Bucket", "Properties": {
                "BucketEncryption": {},
                "PublicAccessBlockConfiguration": {
                    "BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true,
                    "RestrictPublicBuckets": true,
                },
                "VersioningConfiguration": { "Status": "Enabled" },
                "ObjectLockEnabled": true,
                "ObjectLockConfiguration": { "Rule": { "DefaultRetention": {} } },
            } },
            "Policy": { "Type": "AWS::S3::BucketPolicy", "Properties": {
                "Bucket": { "Ref": "InvoiceBucketName" },
                "PolicyDocument": { "Statement": [{
                    "Effect": "Deny", "Principal": "*", "Action": "s3:*",
                    "Condition": { "Bool": { "aws:SecureTransport": "false" } },
                }] },
            } },
        } });
        let count = |template: &Value| {
            let mut findings = Vec::new();
            check([template].into_iter(), &mut findings);
            findings.len()
        };
        assert_eq!(count(&whole), 0);
        let bucket = "/Resources/InvoiceBucket/Properties";
        for missing in [
            &format!("{bucket}/BucketEncryption"),
            &format!("{bucket}/PublicAccessBlockConfiguration/IgnorePublicAcls"),
            &format!("{bucket}/VersioningConfiguration"),
            &format!("{bucket}/ObjectLockConfiguration/Rule"),
            "/Resources/Policy/Properties/PolicyDocument/Statement/0/Condition",
            "/Resources/Policy/Properties/Bucket",
        ] {
            let mut template = whole.clone();
            *template.pointer_mut(missing).unwrap() = Value::Null;
            assert_eq!(count(&template), 1, "{missing}");
        }
    }
}

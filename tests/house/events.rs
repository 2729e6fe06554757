//! Invokes each function with its sample events of `events/`.

use std::{collections::BTreeSet, fs};

use serde_json::Value;
use testkit::{Shop, root};

#[tokio::test]
async fn every_function_answers_its_sample_events() {
    let shop = Shop::start().await;
    let functions = shop.stack().template.functions.clone();
    let mut fed = BTreeSet::new();
    for function in &functions {
        let folder = root().join("events").join(&function.binary);
        let files = fs::read_dir(&folder)
            .unwrap_or_else(|_| panic!("{} has no sample events", function.binary));
        for file in files {
            let path = file.unwrap().path();
            let event: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            let answer = shop.invoke(&function.binary, &event).await;
            let answer = answer.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let case = path.file_stem().unwrap().to_string_lossy().into_owned();
            let good = if event["routeKey"].is_string() {
                // A problem is a valid response; a failed invocation is not.
                answer["statusCode"]
                    .as_u64()
                    .is_some_and(|status| (200..500).contains(&status))
            } else if function.triggers.is_empty() {
                // A command, whose answer an operator reads.
                answer.is_object()
            } else if event["Records"].is_null() {
                // The scheduler ignores the response.
                answer.is_null()
            } else {
                // Messages about resources that an empty shop lacks fail; all others succeed.
                let failures = answer["batchItemFailures"].as_array().map(Vec::len);
                failures == Some(usize::from(case.starts_with("unknown")))
            };
            assert!(good, "{}: {answer}\n{}", path.display(), shop.log());
        }
        fed.insert(function.binary.clone());
    }
    for folder in fs::read_dir(root().join("events")).unwrap() {
        let name = folder.unwrap().file_name().to_string_lossy().into_owned();
        assert!(fed.contains(&name), "events/{name} belongs to no function");
    }
}

//! The name that `make deploy` gives a deployment: versions of the functions on the sale path are published for a new one.

use std::{collections::BTreeSet, fs, path::Path};

use testkit::root;
use tokio::process::Command;

/// The command by which the deployment would be made, or the error.
async fn command(folder: &Path, parameters: &[&str]) -> Result<String, String> {
    let mut python = Command::new(root().join(".venv/bin/python"));
    python.arg(root().join("infra/local/deploy.py"));
    python.arg("--dry-run").arg("--build-dir").arg(folder);
    python.arg("--config").arg(folder.with_extension("toml"));
    let (status, said) = crate::run(python.args(parameters)).await;
    match status.success() {
        true => Ok(said),
        false => Err(said),
    }
}

/// The release in a command.
fn release(command: &str) -> String {
    let (_, rest) = command
        .split_once(" 'Release=\"")
        .expect("it has a release");
    let name = rest.trim().trim_end_matches(['"', '\'']).to_owned();
    assert!(
        name.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "{name}"
    );
    name
}

/// Kind of fault: a new value of a parameter reaches a function, and not the version that is called.
#[tokio::test]
async fn a_deployment_has_another_name_if_anything_differs() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("deploy");
    let write = |file: &str, text: &str| {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("it can be made");
        fs::write(path, text).expect("it can be written");
    };
    let configure = |text: &str| {
        fs::write(folder.with_extension("toml"), text).expect("it can be written");
    };
    let _ = fs::remove_dir_all(&folder);
    configure("");
    let unbuilt = command(&folder, &[]).await.unwrap_err();
    assert!(unbuilt.contains("sam build"), "{unbuilt}");
    write("template.yaml", "Resources: {}");
    write("CreateCart/bootstrap", "code");

    let mut names = BTreeSet::new();
    let mut new = async |parameters: &[&str]| {
        let made = command(&folder, parameters).await.unwrap();
        let again = command(&folder, parameters).await.unwrap();
        assert_eq!(made, again, "the same is deployed under the same name");
        assert!(names.insert(release(&made)), "{made}");
        made
    };
    new(&[]).await;
    new(&["LogLevel=warn"]).await;
    new(&["LogLevel=debug"]).await;
    new(&["LogLevel=debug", "OriginSecret=0123,4567"]).await;
    write("CreateCart/bootstrap", "other code");
    new(&[]).await;
    write("template.yaml", "Resources: { More: {} }");
    new(&[]).await;
    configure(
        "[default.deploy.parameters]\n\
         parameter_overrides = 'SellerName=\"Long Meadow\" Release=\"old\" LogLevel=\"warn\"'\n",
    );
    let configured = new(&["LogLevel=error"]).await;
    for part in ["'SellerName=\"Long Meadow\"'", " 'LogLevel=\"error\"'"] {
        assert!(configured.contains(part), "{part}: {configured}");
    }
    assert!(
        !configured.contains("old") && !configured.contains("warn"),
        "{configured}"
    );
    configure("[default.deploy.parameters]\nparameter_overrides = ['LogLevel=error']\n");
    new(&[]).await;
    let wrong = command(&folder, &["LogLevel"]).await.unwrap_err();
    assert!(wrong.contains("NAME=VALUE"), "{wrong}");
}

/// Kind of fault: SAM splits each argument again, so that the seller on invoices ends at the first space, and an empty
/// value is not taken at all.
#[tokio::test]
async fn a_deployment_passes_values_as_they_are() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("deploy-values");
    fs::create_dir_all(&folder).expect("it can be made");
    fs::write(folder.join("template.yaml"), "Resources: {}").expect("it can be written");
    let configure = |overrides: &str| {
        let text = format!("[default.deploy.parameters]\nparameter_overrides = {overrides}\n");
        fs::write(folder.with_extension("toml"), text).expect("it can be written");
    };
    let expected =
        r#" 'SellerName="Long Meadow"' 'SellerTaxId=""' 'ShopName="The \"Meadow\""' 'Release="#;
    // As `sam deploy --guided` writes them, and as a list.
    for overrides in [
        r#"'SellerName="Long Meadow" SellerTaxId="" ShopName="The \"Meadow\""'"#,
        r#"['SellerName="Long Meadow"', 'SellerTaxId=""', 'ShopName="The \"Meadow\""']"#,
    ] {
        configure(overrides);
        let said = command(&folder, &[]).await.unwrap();
        assert!(said.contains(expected), "{overrides}: {said}");
    }
    configure("[]");
    let parameters = [
        "SellerName=Long Meadow",
        "SellerTaxId=",
        "ShopName=The \"Meadow\"",
    ];
    let said = command(&folder, &parameters).await.unwrap();
    assert!(said.contains(expected), "{said}");
}

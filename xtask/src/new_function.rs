//! Placeholder.
pub(crate) fn run(_: &str, _: &str, _: &str, _: &str) -> crate::Outcome {
    Ok(())
}

//! Changes of files that people write, too: text is inserted, and the rest stays as it is.

/// The text with `lines` at the end of the section that the line `heading` begins: before the next line that is
/// indented no further, and before blank lines in front of it.
pub(super) fn append(text: &str, heading: &str, lines: &str) -> Option<String> {
    let line = format!("{heading}\n");
    let start = match text.starts_with(&line) {
        true => line.len(),
        false => text.find(&format!("\n{line}"))? + 1 + line.len(),
    };
    let indent = |line: &str| line.len() - line.trim_start().len();
    let (mut offset, mut end) = (start, start);
    for line in text[start..].split_inclusive('\n') {
        let is_blank = line.trim().is_empty();
        if !is_blank && indent(line) <= indent(heading) {
            break;
        }
        offset += line.len();
        if !is_blank {
            end = offset;
        }
    }
    Some(format!("{}{lines}{}", &text[..end], &text[end..]))
}

/// The root template with one more stack that the API's stage waits for.
pub(super) fn with_stage_after(template: &str, stack: &str) -> Option<String> {
    let (before, stage) = template.split_once("\n  ApiStage:\n")?;
    let (settings, rest) = stage.split_once("    DependsOn: [")?;
    let (stacks, rest) = rest.split_once(']')?;
    Some(format!(
        "{before}\n  ApiStage:\n{settings}    DependsOn: [{stacks}, {stack}]{rest}"
    ))
}

/// The template with more resources, after those it has.
pub(super) fn with_resources(template: &str, resources: &str) -> String {
    match template.split_once("\nOutputs:\n") {
        Some((before, outputs)) => format!("{before}\n{resources}\nOutputs:\n{outputs}"),
        None => format!("{template}\n{resources}"),
    }
}

/// The manifest with a dependency of the workspace, which it may have already.
pub(super) fn with_dependency(manifest: &str, name: &str) -> Option<String> {
    let (before, rest) = manifest.split_once("[dependencies]\n")?;
    let end = rest.find("\n\n").map_or(rest.len(), |end| end + 1);
    let (section, after) = rest.split_at(end);
    let of = |line: &str| line.split(['.', ' ', '=']).next().map(str::to_owned);
    let mut lines: Vec<&str> = section.lines().collect();
    if lines.iter().any(|line| of(line).as_deref() == Some(name)) {
        return Some(manifest.to_owned());
    }
    let own = format!("{name}.workspace = true");
    let place = lines
        .iter()
        .position(|line| of(line).as_deref() > Some(name));
    lines.insert(place.unwrap_or(lines.len()), &own);
    let section = lines.join("\n");
    Some(format!("{before}[dependencies]\n{section}\n{after}"))
}

/// ARCHITECTURE's table of contexts with one more endpoint.
pub(super) fn with_endpoint(
    document: &str,
    context: &str,
    name: &str,
    is_for_staff: bool,
) -> Option<String> {
    let row = format!("\n| {context} |");
    let start = document.find(&row)? + row.len();
    let end = start + document[start..].find(" |")?;
    let endpoints = document[start..end].trim();
    let name = format!("`{name}`");
    let endpoints = match endpoints.split_once("; for staff ") {
        Some((public, staff)) if !is_for_staff => format!("{public}, {name}; for staff {staff}"),
        _ if endpoints.is_empty() => name,
        _ => format!("{endpoints}, {name}"),
    };
    Some(format!(
        "{} {endpoints}{}",
        &document[..start],
        &document[end..]
    ))
}

/// ARCHITECTURE's table of contexts with one more context, which has no functions yet.
pub(super) fn with_context(document: &str, context: &str) -> Option<String> {
    let (before, table) = document.split_once("\n## Contexts\n\n")?;
    let (table, after) = table.split_once("\n\n")?;
    Some(format!(
        "{before}\n## Contexts\n\n{table}\n| {context} | | |\n\n{after}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_ends_before_the_next() {
        let text = "A:\n  a: 1\n\n  b:\n    c: 2\n\nB:\n  d: 3\n";
        let appended = append(text, "A:", "  e: 4\n").unwrap();
        assert_eq!(
            appended,
            "A:\n  a: 1\n\n  b:\n    c: 2\n  e: 4\n\nB:\n  d: 3\n"
        );
        let nested = append(text, "  b:", "    e: 4\n").unwrap();
        assert_eq!(nested, appended.replace("  e: 4", "    e: 4"));
        assert_eq!(
            append(text, "B:", "  e: 4\n").unwrap(),
            format!("{text}  e: 4\n")
        );
        assert!(append(text, "C:", "").is_none());
    }

    #[test]
    fn resources_come_before_the_outputs() {
        let of = |template: &str| with_resources(template, "  New:\n");
        assert_eq!(of("Resources:\n  Old:\n"), "Resources:\n  Old:\n\n  New:\n");
        let outputs = "\nOutputs:\n  A:\n";
        assert_eq!(
            of(&format!("Resources:\n  Old:\n{outputs}")),
            format!("Resources:\n  Old:\n\n  New:\n{outputs}")
        );
    }

    #[test]
    fn a_dependency_is_added_once_and_in_order() {
        let manifest =
            "[package]\n\n[dependencies]\na.workspace = true\nc = { workspace = true }\n";
        for name in ["a", "c"] {
            assert_eq!(with_dependency(manifest, name).unwrap(), manifest);
        }
        let more = with_dependency(manifest, "b").unwrap();
        assert!(
            more.contains("a.workspace = true\nb.workspace = true\nc ="),
            "{more}"
        );
        let last = with_dependency(&format!("{manifest}\n[features]\n"), "d").unwrap();
        assert!(
            last.ends_with("}\nd.workspace = true\n\n[features]\n"),
            "{last}"
        );
        assert!(with_dependency("[package]\n", "a").is_none());
    }

    #[test]
    fn an_endpoint_joins_the_row_of_its_context() {
        let table = "\n## Contexts\n\n| context | endpoints | consumers |\n| --- | --- | --- |\n\
                     | orders | `a`; for staff `b` | `c` |\n| mails | | `d` |\n\nText.\n";
        let row = |context: &str, staff| {
            let text = with_endpoint(table, context, "x", staff).unwrap();
            let row = text
                .lines()
                .find(|line| line.starts_with(&format!("| {context} |")));
            row.unwrap().to_owned()
        };
        assert_eq!(
            row("orders", false),
            "| orders | `a`, `x`; for staff `b` | `c` |"
        );
        assert_eq!(
            row("orders", true),
            "| orders | `a`; for staff `b`, `x` | `c` |"
        );
        assert_eq!(row("mails", true), "| mails | `x` | `d` |");
        let new = with_context(table, "people").unwrap();
        assert!(new.contains("| `d` |\n| people | | |\n\nText"), "{new}");
        assert!(with_endpoint(table, "people", "x", false).is_none());
        let first = with_endpoint(&new, "people", "x", false).unwrap();
        assert!(first.contains("\n| people | `x` | |\n"), "{first}");
    }
}

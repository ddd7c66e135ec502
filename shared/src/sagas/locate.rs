//! Where in a YAML file a path such as `steps[2].call.url` stands: for messages.

/// The line (1 for the first) of the longest beginning of `path` that is found.
pub(super) fn line_of(text: &str, path: &str) -> Option<usize> {
    let wanted = split(path);
    let mut best: Option<(usize, usize)> = None;
    for (number, at) in paths(text) {
        let shared = at.iter().zip(&wanted).take_while(|(a, b)| a == b).count();
        if shared == at.len() && shared > best.map_or(0, |(shared, _)| shared) {
            best = Some((shared, number));
        }
    }
    best.map(|(_, number)| number)
}

fn split(path: &str) -> Vec<String> {
    path.replace('[', ".[").split('.').filter(|p| !p.is_empty()).map(str::to_owned).collect()
}

/// Every key and list element of a block-style file with its line.
fn paths(text: &str) -> Vec<(usize, Vec<String>)> {
    let mut out = Vec::new();
    // Indentation, name, and how many elements a list below it has so far.
    let mut open: Vec<(usize, String)> = Vec::new();
    let mut counts: Vec<(usize, Vec<String>, usize)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let mut content = line.trim_start();
        let mut indent = line.len() - content.len();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        while let Some(rest) = content.strip_prefix("- ").or_else(|| (content == "-").then_some(""))
        {
            open.retain(|(outer, name)| {
                *outer < indent || (*outer == indent && !name.starts_with('['))
            });
            let parent: Vec<String> = open.iter().map(|(_, name)| name.clone()).collect();
            let place = counts.iter().position(|(i, p, _)| *i == indent && *p == parent);
            let place = place.unwrap_or_else(|| {
                counts.push((indent, parent, 0));
                counts.len() - 1
            });
            open.push((indent, format!("[{}]", counts[place].2)));
            counts[place].2 += 1;
            out.push((index + 1, open.iter().map(|(_, name)| name.clone()).collect()));
            let trimmed = rest.trim_start();
            indent += content.len() - trimmed.len();
            content = trimmed;
        }
        let Some((key, _)) = content.split_once(':') else { continue };
        let key = key.trim().trim_matches(['"', '\'']);
        if key.is_empty() || key.contains([' ', '{', '$']) {
            continue;
        }
        open.retain(|(outer, _)| *outer < indent);
        open.push((indent, key.to_owned()));
        out.push((index + 1, open.iter().map(|(_, name)| name.clone()).collect()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::line_of;

    #[test]
    fn lines_are_found() {
        let text = "saga: x\nsteps:\n  - name: A\n    call:\n      url: /a\n  - name: B\n    call:\n      url: /b\nother:\n- 1\n- k: 2\n";
        for (path, line) in [
            ("saga", Some(1)),
            ("steps[0]", Some(3)),
            ("steps[0].call.url", Some(5)),
            ("steps[1].name", Some(6)),
            ("steps[1].call.url", Some(8)),
            ("steps[1].call.body.x", Some(7)),
            ("other[1].k", Some(11)),
            ("nothing", None),
        ] {
            assert_eq!(line_of(text, path), line, "{path}");
        }
    }
}

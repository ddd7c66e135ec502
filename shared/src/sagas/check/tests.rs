use super::*;

const GOOD: &str = "\
saga: small_saga
version: 1
participants:
  bank: { idempotency: keys }
  till: { idempotency: none }
input:
  amount: money
steps:
  - name: LOOK
    participant: till
    call: { method: GET, url: /look }
  - name: PAY
    participant: bank
    call:
      method: POST
      url: /payments
      body: { amount: '${input.amount}' }
      output: { id: '${body.id}' }
    undo:
      method: DELETE
      url: \"/payments/${known ? output.id : '-'}\"
";

fn flaws(text: &str) -> Vec<(Option<usize>, String, String)> {
    match parse("x.yaml", text) {
        Ok(_) => Vec::new(),
        Err(flaws) => flaws.into_iter().map(|f| (f.line, f.path, f.message)).collect(),
    }
}

#[test]
fn a_good_file_has_no_flaws() {
    assert_eq!(flaws(GOOD), []);
    let definition = parse("x.yaml", GOOD).unwrap();
    assert_eq!(definition.steps[0].progress, 50);
    assert!(definition.steps[0].repeatable);
    let again: Definition = serde_json::from_str(&definition.body()).unwrap();
    assert_eq!(again, definition);
    assert_eq!(again.sha(), definition.sha());
}

#[test]
fn expressions_name_declared_fields_only() {
    let payer = "payer: { type: object, fields: { name: text, more: object } }";
    let good = GOOD.replace("  amount: money", &format!("  amount: money\n  {payer}"));
    let of = |expression: &str| flaws(&good.replace("${input.amount}", expression));
    for fine in
        ["${input}", "${input.payer.name}", "${input.payer.more.any.thing}", "${[input.amount]}"]
    {
        assert_eq!(of(fine), [], "{fine}");
    }
    for (wrong, name) in [
        ("${input.price}", "price"),
        ("${has(input.price) ? 1 : 2}", "price"),
        ("for ${input.payer.mane}", "payer.mane"),
        ("${[1].map(i, {\"x\": input.lost})}", "lost"),
    ] {
        let message = format!("`input` declares no `{name}`");
        assert_eq!(of(wrong), [(Some(18), "steps[1].call.body".into(), message)], "{wrong}");
    }
    let path = good.replace("url: /look", "url: '/look/${input.lost}'");
    assert_eq!(flaws(&path)[0].1, "steps[0].call.url");
    let nothing_declared = GOOD.replace("input:\n  amount: money\n", "");
    assert_eq!(flaws(&nothing_declared), []);
}

#[test]
fn each_flaw_names_line_path_and_matter() {
    for (from, to, line, path, message) in [
        ("version: 1", "version: 0", Some(2), "version", "begin with 1"),
        ("small_saga", "Small", Some(1), "saga", "no name"),
        (
            "participant: bank",
            "participant: bnak",
            Some(13),
            "steps[1].participant",
            "no participant",
        ),
        ("name: LOOK", "name: PAY", Some(9), "steps[0].name", "two steps"),
        (
            "url: /payments\n",
            "url: https://evil.example/\n",
            Some(16),
            "steps[1].call.url",
            "only a path",
        ),
        ("${input.amount}", "${inputs.amount}", Some(17), "steps[1].call.body", "`inputs`"),
        ("${input.amount}", "${steps.REFUND.output.x}", Some(17), "steps[1].call.body", "REFUND"),
        (
            "${known ? output.id : '-'}",
            "${known ?}",
            Some(21),
            "steps[1].undo.url",
            "no valid expression",
        ),
        ("method: POST", "method: PSOT", Some(15), "steps[1].call.method", "no method"),
        ("participant: bank", "participant: till", Some(12), "steps[1].on_unknown", "no keys"),
        ("amount: money", "amount: cash", Some(7), "input.amount", "no type"),
        (
            "    undo:\n      method: DELETE\n      url: \"/payments/${known ? output.id : '-'}\"\n",
            "",
            Some(12),
            "steps[1].undo",
            "nothing says how to undo",
        ),
    ] {
        let text = GOOD.replace(from, to);
        assert_ne!(text, GOOD, "{from}");
        let found = flaws(&text);
        assert!(
            found.iter().any(|(l, p, m)| *l == line && p == path && m.contains(message)),
            "{to}: {found:?}"
        );
    }
}

#[test]
fn what_would_be_overlooked_is_a_flaw() {
    let with = |field: &str| GOOD.replace("amount: money", field);
    let states = |metric: &str| {
        GOOD.replace(
            "version: 1",
            &format!("version: 1\nstates: {{ completed: DONE, metric: {metric} }}"),
        )
    };
    for (text, path) in [
        (with("amount: { type: money, min: 0.5 }"), "input.amount.min"),
        (with("amount: { type: money, max: \"9\" }"), "input.amount.max"),
        (with("amount: { type: money, min: 9, max: 1 }"), "input.amount.max"),
        (with("amount: { type: boolean, min: 1 }"), "input.amount.min"),
        (with("amount: { type: money, optional: \"yes\" }"), "input.amount.optional"),
        (with("amount: { type: text, one_of: card }"), "input.amount.one_of"),
        (with("amount: { type: object, fields: [a] }"), "input.amount.fields"),
        (with("amount: { type: text, of: money }"), "input.amount.of"),
        (GOOD.replace("version: 1", "version: 1\ndeadline: 0s"), "deadline"),
        (GOOD.replace("version: 1", "version: 1\ndeadline: 99999h"), "deadline"),
        (GOOD.replace("    undo:", "    retry: { base: 2h }\n    undo:"), "steps[1].retry.base"),
        (
            GOOD.replace("    undo:", "      headers: { \"X Y\": a }\n    undo:"),
            "steps[1].call.headers.X Y",
        ),
        (states("{ name: saga_total, label: state }"), "states.metric.name"),
        (states("{ name: a b, label: state }"), "states.metric.name"),
        (states("{ name: orders_total, label: 1x }"), "states.metric.label"),
    ] {
        let found = flaws(&text);
        assert!(found.iter().any(|(_, p, _)| p == path), "{path}: {found:?}");
    }
    assert_eq!(flaws(&states("{ name: orders_total, label: state }")), []);
    for own in crate::engine::definition::builtin() {
        let found = flaws(&GOOD.replace("small_saga", &own.name));
        assert!(
            found.iter().any(|(_, _, m)| m.contains("program itself")),
            "{}: {found:?}",
            own.name
        );
    }
}

#[test]
fn a_key_twice_is_a_flaw() {
    for (from, to, line) in [
        ("  amount: money", "  amount: money\n  amount: text", 7),
        ("{ amount: '${input.amount}' }", "{ amount: 1, amount: 2 }", 17),
    ] {
        let found = flaws(&GOOD.replace(from, to));
        assert!(found.len() == 1 && found[0].2.contains("amount"), "{found:?}");
        assert_eq!(found[0].0, Some(line), "{found:?}");
    }
}

#[test]
fn yaml_errors_name_their_line() {
    let found = flaws(&GOOD.replace("version: 1", "versoin: 1"));
    assert!(found[0].2.contains("versoin"), "{found:?}");
    assert!(found[0].0.is_some(), "{found:?}");
    let found = flaws("saga: [");
    assert!(!found.is_empty());
}

/// LOOK and PAY at the same time, TELL after both.
fn parallel() -> String {
    let pay = "    depends_on: []\n    call:\n      method: POST\n      url: /payments";
    let tell = "  - name: TELL\n    participant: bank\n    depends_on: [LOOK, PAY]\n    call:\n      method: POST\n      url: /notes\n      body: { id: '${steps.PAY.output.id}' }\n    undo: none\n";
    GOOD.replace("    call:\n      method: POST\n      url: /payments", pay) + tell
}

#[test]
fn what_a_step_sees_is_surely_done_before_it() {
    assert_eq!(flaws(&parallel()), []);
    let definition = parse("x.yaml", &parallel()).unwrap();
    assert_eq!(definition.before()[1].len(), 0);
    assert_eq!(definition.before()[2].len(), 2);
    let text = parallel().replace("${input.amount}", "${steps.LOOK.output.x}");
    let found = parse("x.yaml", &text).unwrap_err();
    assert_eq!((found[0].line, found[0].path.as_str()), (Some(18), "steps[1].call.body"));
    assert!(found[0].message.contains("need not be done"), "{found:?}");
    assert_eq!(found[0].remedy, "LOOK in this step's `depends_on`");
    // Over another step is well enough.
    let text =
        parallel().replace("[LOOK, PAY]", "[PAY]").replace("depends_on: []", "depends_on: [LOOK]");
    assert_eq!(flaws(&text.replace("${steps.PAY.output.id}", "${steps.LOOK.output}")), []);
}

#[test]
fn nothing_runs_beside_a_pivot() {
    let text = parallel().replace("    depends_on: []\n", "    depends_on: []\n    pivot: true\n");
    let found = parse("x.yaml", &text).unwrap_err();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].line, found[0].path.as_str()), (Some(14), "steps[1].depends_on"));
    assert!(found[0].message.contains("LOOK and the pivot PAY"), "{found:?}");
    assert_eq!(found[0].remedy, "LOOK in the `depends_on` of PAY");
}

//! The way of a receipt, from upload to erasure.

use crate::support::{
    bytes_of,
    client::{PATIENCE, Upload},
    expect, long_document, scans, slip,
    stack::{Stack, on_both, on_both_with},
};
use reqwest::Method;
use serde_json::Value;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_sample_goes_in_and_its_result_comes_out() {
    on_both_with(
        |options| options.set("QUITTANCE_PROCESSING_ECONOMY", "false"),
        async |stack| {
            let client = stack.client();
            let upload = Upload::of(bytes_of("samples/restaurant-fr.jpg"), "ticket.jpg").metadata(
                r#"{"source":"mobile_app","expectedType":"restaurant","priority":"normal"}"#,
            );
            let answer = client.upload(&upload).await;
            let data = expect::success(&answer, 202);
            let id = data["requestId"].as_str().unwrap();
            assert_eq!(answer.json["requestId"], id);
            assert_eq!(data["status"], "pending");
            assert_eq!(data["message"], "Votre demande est en attente de traitement");
            assert!(data["estimatedProcessingTime"].is_number(), "{data}");
            assert!(answer.header("retry-after").is_some());
            let location = answer.header("location").unwrap().to_owned();
            assert!(location.ends_with(&format!("/api/v1/receipts/{id}/status")), "{location}");

            let early = client.result(id).await;
            if early.status == 202 {
                let message = expect::refusal(&early, 202, "PROCESSING_ERROR");
                assert_eq!(
                    message,
                    "Le traitement est encore en cours. Veuillez vérifier le statut d'abord."
                );
            }
            client.completed(id).await;

            let answer = client.result(id).await;
            let data = expect::success(&answer, 200);
            assert_eq!(data["requestId"], id);
            assert_eq!(data["status"], "completed");
            expect::timestamp(&data["createdAt"]);
            expect::timestamp(&data["completedAt"]);
            result_has_the_shape_of_the_contract(&data["data"]);
            let fields = &data["data"]["extractedFields"];
            assert_eq!(fields["totalAmount"]["value"], 24.0, "{fields}");
            assert_eq!(fields["totalAmount"]["currency"], "EUR", "{fields}");
            assert_eq!(fields["date"]["value"], "2024-03-20", "{fields}");
        },
    )
    .await;
}

fn result_has_the_shape_of_the_contract(result: &Value) {
    assert!(result["receiptType"].is_string(), "{result}");
    expect::timestamp(&result["extractedAt"]);
    let fields = &result["extractedFields"];
    assert!(fields["items"].is_array(), "{fields}");
    assert!(fields["summary"].is_string(), "{fields}");
    for (name, field) in fields.as_object().unwrap() {
        let Some(confidence) = field.get("confidence") else { continue };
        let confidence = confidence.as_f64().unwrap_or_else(|| panic!("{name}: {field}"));
        assert!((0.0..=1.0).contains(&confidence), "{name}: {field}");
    }
    for name in ["totalAmount", "date"] {
        let field = &fields[name];
        assert_eq!(field["page"], 1, "{name}: {field}");
        assert!(field["boundingBox"]["width"].as_f64().unwrap() > 0.0, "{name}: {field}");
        assert!(!field["raw"].as_str().unwrap().is_empty(), "{name}: {field}");
    }
    let metadata = &result["processingMetadata"];
    for name in ["processingTime", "ocrConfidence", "aiConfidence"] {
        assert!(metadata[name].as_f64().unwrap() > 0.0, "{name}: {metadata}");
    }
    assert!(metadata["imagePreprocessed"].is_boolean(), "{metadata}");
    assert_eq!(metadata["detectedLanguage"], "fr", "{metadata}");
}

#[tokio::test]
async fn progress_moves_with_the_stages() {
    on_both(async |stack| {
        let client = stack.client();
        let id = client.accepted(&Upload::of(scans(12), "long.pdf")).await;
        let mut seen = Vec::new();
        loop {
            let data = client.status(&id).await;
            let progress = data["progress"].as_u64().unwrap();
            if seen.last() != Some(&progress) {
                seen.push(progress);
            }
            if data["status"] == "completed" {
                break;
            }
            assert_ne!(data["status"], "failed", "{data}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(seen.is_sorted(), "{seen:?}");
        assert_eq!(seen.last(), Some(&100));
        // Twelve pages are read one after the other: several steps between decoding and the end.
        let between = seen.iter().filter(|p| (11..70).contains(*p)).count();
        assert!(between >= 2, "progress was only ever {seen:?}");
    })
    .await;
}

#[tokio::test]
async fn waiting_holds_the_answer_until_something_changes() {
    on_both(async |stack| {
        let client = stack.client();
        let id = client.accepted(&Upload::slip()).await;
        let started = Instant::now();
        loop {
            let answer = client.get(&format!("/api/v1/receipts/{id}/status?wait=10")).await;
            if expect::success(&answer, 200)["status"] == "completed" {
                break;
            }
            assert!(started.elapsed() < Duration::from_mins(1));
        }
        // An ended job does not change any more, so the answer need not wait.
        let started = Instant::now();
        client.get(&format!("/api/v1/receipts/{id}/status?wait=20")).await;
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        for bad in ["31", "-1", "soon"] {
            let answer = client.get(&format!("/api/v1/receipts/{id}/status?wait={bad}")).await;
            assert_eq!(answer.status, 400, "wait={bad}: {}", answer.json);
        }
    })
    .await;
}

#[tokio::test]
async fn the_original_comes_back_as_it_was_sent() {
    on_both(async |stack| {
        let client = stack.client();
        for (bytes, name, kind) in [
            (slip(), "../../etc/passwd.png", "image/png"),
            (long_document(), "reçu n° 1.jpg", "application/pdf"),
        ] {
            let id = client.accepted(&Upload::of(bytes.clone(), name)).await;
            let answer = client.get(&format!("/api/v1/receipts/{id}/image")).await;
            assert_eq!(answer.status, 200, "{}", answer.json);
            assert!(answer.bytes == bytes, "{name}: the bytes differ");
            // The type comes from the content and not from the name.
            assert_eq!(answer.header("content-type"), Some(kind));
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
            client.completed(&id).await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_list_is_complete_newest_first_and_filtered() {
    on_both(async |stack| {
        let client = stack.client();
        let mut ids = Vec::new();
        for n in 0..7 {
            let upload = Upload::slip().client(if n % 2 == 0 { "even" } else { "odd" });
            ids.push(client.accepted(&upload).await);
        }
        for id in &ids {
            client.completed(id).await;
        }
        ids.reverse();
        assert_eq!(pages(stack, "limit=3").await, ids);
        let odd: Vec<String> = ids.iter().skip(1).step_by(2).cloned().collect();
        assert_eq!(pages(stack, "limit=2&clientId=odd").await, odd);
        assert_eq!(pages(stack, "limit=5&status=completed").await, ids);
        assert!(pages(stack, "limit=5&status=failed").await.is_empty());
        assert_eq!(pages(stack, "limit=50&q=croissant").await.len(), ids.len(), "text search");
        assert!(pages(stack, "limit=50&q=nowhere-on-it").await.is_empty());
        for bad in ["limit=0", "limit=many", "status=lost", "cursor=nonsense"] {
            let answer = client.get(&format!("/api/v1/receipts?{bad}")).await;
            assert_eq!(answer.status, 400, "{bad}: {}", answer.json);
        }
    })
    .await;
}

/// Follows the cursor to the end.
async fn pages(stack: &Stack, query: &str) -> Vec<String> {
    let (client, mut cursor, mut ids) = (stack.client(), String::new(), Vec::new());
    loop {
        let answer = client.get(&format!("/api/v1/receipts?{query}{cursor}")).await;
        let data = expect::success(&answer, 200);
        let page = data["receipts"].as_array().unwrap_or_else(|| panic!("receipts: {data}"));
        ids.extend(page.iter().map(|r| r["requestId"].as_str().unwrap().to_owned()));
        match data["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids,
        }
        assert!(!page.is_empty() && ids.len() < 1000, "the cursor goes round in circles");
    }
}

#[tokio::test]
async fn deleting_erases_everything_but_the_fact() {
    on_both(async |stack| {
        let client = stack.client();
        let id = client.accepted(&Upload::slip()).await;
        client.completed(&id).await;
        let originals = files_under(&stack.dir().join("data"), &slip());
        assert_eq!(originals, 1, "the original is kept exactly once");
        let answer = client.call(Method::DELETE, &format!("/api/v1/receipts/{id}")).await;
        assert!(matches!(answer.status, 200 | 204), "{} {}", answer.status, answer.json);
        for path in ["status", "result", "image"] {
            let answer = client.get(&format!("/api/v1/receipts/{id}/{path}")).await;
            expect::refusal(&answer, 410, "GONE");
        }
        assert!(pages(stack, "limit=10").await.is_empty());
        let answer = client.call(Method::DELETE, &format!("/api/v1/receipts/{id}")).await;
        assert_eq!(answer.status, 410, "{}", answer.json);
        assert_eq!(files_under(&stack.dir().join("data"), &slip()), 0, "the original is still there");
        let text = stack.sql("SELECT count(*) FROM receipt WHERE result IS NOT NULL OR text IS NOT NULL OR search IS NOT NULL");
        assert_eq!(text, ["0"], "what was read is still there");

        // A job that has not ended is cancelled by it.
        let id = client.accepted(&Upload::of(long_document(), "long.pdf")).await;
        let answer = client.call(Method::DELETE, &format!("/api/v1/receipts/{id}")).await;
        assert!(matches!(answer.status, 200 | 204), "{} {}", answer.status, answer.json);
        expect::refusal(&client.result(&id).await, 410, "GONE");
    })
    .await;
}

/// How many files below `folder` have exactly these bytes.
fn files_under(folder: &std::path::Path, bytes: &[u8]) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            count += files_under(&path, bytes);
        } else if entry.metadata().is_ok_and(|m| m.len() == bytes.len() as u64)
            && std::fs::read(&path).is_ok_and(|b| b == bytes)
        {
            count += 1;
        }
    }
    count
}

#[tokio::test]
async fn a_failed_job_says_why_and_can_be_tried_again() {
    on_both(async |stack| {
        let client = stack.client();
        let id = client
            .accepted(&Upload::of(crate::errors::png_with_broken_pixels(), "broken.png"))
            .await;
        let status = client.failed(&id).await;
        assert!(!status["message"].as_str().unwrap().is_empty());
        let answer = client.result(&id).await;
        let message = expect::refusal(&answer, 422, "PROCESSING_ERROR").to_owned();
        // A permanent error is not retried: one attempt, no waiting.
        let attempts = stack.sql("SELECT max(attempts) FROM run_step");
        assert_eq!(attempts, ["1"]);

        let answer = client.call(Method::POST, &format!("/api/v1/receipts/{id}/retry")).await;
        assert!(matches!(answer.status, 200 | 202), "{} {}", answer.status, answer.json);
        client.failed(&id).await;
        let again = client.result(&id).await;
        assert_eq!(expect::refusal(&again, 422, "PROCESSING_ERROR"), message);
        let starts =
            stack.sql("SELECT count(*) FROM run_step WHERE attempts = 1 AND state = 'failed'");
        assert_eq!(starts, ["1"], "the retry counts its attempts anew");

        let good = client.accepted(&Upload::slip()).await;
        client.completed(&good).await;
        let answer = client.call(Method::POST, &format!("/api/v1/receipts/{good}/retry")).await;
        expect::refusal(&answer, 409, answer.json["error"]["code"].as_str().unwrap());
    })
    .await;
}

#[tokio::test]
async fn the_statistics_count_what_happened() {
    on_both(async |stack| {
        let client = stack.client();
        for _ in 0..3 {
            let id = client.accepted(&Upload::slip()).await;
            client.completed(&id).await;
        }
        let id = client
            .accepted(&Upload::of(crate::errors::png_with_broken_pixels(), "broken.png"))
            .await;
        client.failed(&id).await;
        let answer = client.get("/api/v1/receipts/stats").await;
        let data = expect::success(&answer, 200);
        assert_eq!(data["totalProcessed"], 4, "{data}");
        assert_eq!(data["successRate"].as_f64(), Some(75.0), "{data}");
        assert!(data["averageProcessingTime"].as_f64().unwrap() > 0.0, "{data}");
        assert_eq!((&data["queueLength"], &data["activeJobs"]), (&0.into(), &0.into()), "{data}");
        assert_eq!(data["failedJobs"], 1, "{data}");
        for (name, expected) in
            [("total", 4), ("completed", 3), ("failed", 1), ("pending", 0), ("processing", 0)]
        {
            assert_eq!(data["localStorage"][name], expected, "{name}: {data}");
        }
        assert_eq!(data["queueHealth"]["status"], "healthy", "{data}");
        assert!(data["queueHealth"]["redisConnection"].is_boolean(), "{data}");
    })
    .await;
}

#[tokio::test]
async fn health_metrics_and_the_description_are_served() {
    on_both(async |stack| {
        let client = stack.client();
        // Until its first worker has said that it is there, it is degraded: it takes uploads, and nobody reads them.
        let started = Instant::now();
        loop {
            let health = client.get("/health").await;
            assert_eq!(health.status, 200, "{}", health.json);
            if health.json["status"] == "healthy" {
                break;
            }
            assert_eq!(health.json["status"], "degraded", "{}", health.json);
            assert!(started.elapsed() < PATIENCE, "{}", health.json);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        for path in ["/health/live", "/health/ready"] {
            assert_eq!(client.get(path).await.status, 200, "{path}");
        }
        let metrics = client.get("/metrics").await;
        let text = String::from_utf8_lossy(&metrics.bytes);
        assert!(metrics.status == 200 && text.contains("# TYPE"), "{text}");
        let page = client.get("/api-docs/").await;
        assert_eq!(page.status, 200);
        assert!(String::from_utf8_lossy(&page.bytes).to_lowercase().contains("swagger"));
        let id = "0190-not-mine";
        let answer = client.with("X-Request-Id", id).get("/api/v1/receipts/stats").await;
        assert_eq!(answer.header("x-request-id"), Some(id), "given ids are kept");
    })
    .await;
}

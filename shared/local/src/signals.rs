//! The signals that end a tool.

use tokio::signal::unix::{SignalKind, signal};

/// Waits for Ctrl-C or a termination signal.
pub async fn stop_signal() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

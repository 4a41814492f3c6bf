//! The ceiling: what Redis' own tool gets out of a server.

use std::process::Command;

/// Requests per second of `redis-benchmark` with `clients` connections, for `command`; `None` without the tool.
pub fn redis_benchmark(
    connection: &[&str],
    clients: u32,
    requests: u32,
    command: &[&str],
) -> Option<f64> {
    let output = Command::new("redis-benchmark")
        .args(connection)
        .args(["-c", &clients.to_string(), "-n", &requests.to_string(), "--csv"])
        .args(command)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    // "test","rps","avg_latency_ms",...
    text.lines().last()?.split(',').nth(1)?.trim_matches('"').parse().ok()
}

//! How long it takes from when something is published until who has subscribed to it is told.

use netsplit::Span;
use netsplit_sim::play::percentile;

use crate::bystander::look;

/// A row: so many registrations, of which a hundredth changes each second.
pub(crate) fn row(publishers: u32) -> String {
    let clients = publishers / 20;
    let scenario = format!(
        r#"
        mode = "session_data"
        nodes = {{ session = 10, data = 5, meta = 3 }}
        seeds = "0..1"
        length = "240s"
        [workload]
        clients = {clients}
        rate = "{}/s"
        keys = {}
        mix = {{ publish = 1, look = 1 }}
        "#,
        publishers / 50,
        publishers / 10
    );
    let seen = look(scenario, None);
    let mut told = seen.told;
    told.sort_unstable();
    let of = |percent| {
        let found = percentile(&told, percent).expect("some were told");
        format!("{:.2} s", found.as_millis_f64() / 1000.0)
    };
    let (half, most, longest) = (of(50), of(99), of(100));
    assert!(told.last() <= Some(&Span::secs(15)), "S-I16");
    format!(
        "| {publishers} | {} | {half} | {most} | {longest} |\n",
        told.len()
    )
}

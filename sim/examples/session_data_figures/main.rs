//! The figures of the registry in virtual time, which are exact on every machine:
//!
//! ```text
//! cargo run --release -p netsplit-sim --example session_data_figures > reports/session_data.md
//! ```
//!
//! With `idle`, `push`, `repair`, `causes` or `scale` behind it, that part only. `scale` and a number of publishers, under
//! `time -v`, says what so many cost the machine.

mod bystander;
mod idle;
mod push;
mod repair;
mod scale;

/// The causes that the issue names, by the beginning of their files' names.
const STORIES: [&str; 5] = ["1", "2", "3", "4", "5"];

/// The scenarios that say within how much time something must be well.
const BUDGETS: [&str; 5] = ["i12", "i13", "i14", "i15", "i16"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let part = arguments.first().map(String::as_str);
    let wanted = |name: &str| part.is_none_or(|part| part == name);
    println!("{}", include_str!("opening.md"));
    if wanted("causes") {
        println!("## The causes of issue 57\n\n{}", include_str!("causes.md"));
        for story in STORIES {
            print!("{}", repair::story(story));
        }
    }
    if wanted("repair") {
        println!(
            "\n## How soon what is lost is back\n\n{}",
            include_str!("repair.md")
        );
        for budget in BUDGETS {
            print!("{}", repair::budget(budget));
        }
    }
    if wanted("push") {
        println!(
            "\n## Until a subscriber is told\n\n{}",
            include_str!("push.md")
        );
        for publishers in [100, 1_000, 10_000] {
            print!("{}", push::row(publishers));
        }
    }
    if wanted("idle") {
        println!("\n## When nothing changes\n\n{}", include_str!("idle.md"));
        for sessions in [10, 100, 300] {
            print!("{}", idle::rows(sessions));
        }
    }
    if wanted("scale") {
        println!("\n## A large one\n\n{}", include_str!("scale.md"));
        let asked = arguments.get(1).map(|number| {
            let number = number.replace('_', "").parse();
            number.expect("it is a number of publishers")
        });
        let numbers = asked.map_or(vec![10_000, 100_000, 1_000_000], |number| vec![number]);
        for publishers in numbers {
            print!("{}", scale::row(publishers));
        }
    }
}

//! What each role does with one input.

use super::*;

mod client;
mod controller;
mod fence;
mod main;
mod members;
mod newcomer;
mod reads;
mod retirement;
mod search;
mod sibling;

//! What a client is asked to do, and what its caller is told.

use std::fmt;
use std::sync::Arc;

use super::names::{RegisterId, Version};
use crate::NodeId;
use crate::kv::{Key, Value};
use crate::mode::RegistryCall;

/// What a client is asked to do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Request {
    /// Be registered under a service, in place of what it had registered there.
    Publish(Key, Value),
    /// Be registered there no more.
    Withdraw(Key),
    /// Say who is registered under a service. It subscribes to it with the first look.
    Look(Key),
}

/// What its caller is told.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Response {
    /// The session server has it.
    Granted,
    /// What it was pushed last, and under which version.
    Shown(Version, Arc<[(RegisterId, Value)]>),
}

/// How an operation looks to the judge of registries.
pub fn registry(request: &Request, response: Option<&Response>) -> Option<RegistryCall> {
    Some(match *request {
        Request::Publish(key, value) => RegistryCall::Publishes { key, value },
        Request::Withdraw(key) => RegistryCall::Withdraws { key },
        Request::Look(key) => {
            let shown = response.and_then(|response| match response {
                Response::Shown(_, registered) => Some(registered),
                Response::Granted => None,
            });
            let of = |(id, value): &(RegisterId, Value)| (id.client, *value);
            RegistryCall::Sees {
                key,
                shown: shown
                    .map(|registered| registered.iter().map(of).collect::<Vec<(NodeId, Value)>>()),
            }
        }
    })
}

/// Who is registered, but no more than eight.
pub(super) fn shown_list(
    f: &mut fmt::Formatter<'_>,
    registered: &[(RegisterId, Value)],
) -> fmt::Result {
    const MOST: usize = 8;
    if registered.is_empty() {
        return f.write_str(" nobody");
    }
    for (id, value) in registered.iter().take(MOST) {
        write!(f, " {}={value}", id.client)?;
    }
    match registered.len().saturating_sub(MOST) {
        0 => Ok(()),
        more => write!(f, " and {more} more"),
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Request::Publish(service, value) => write!(f, "publish {service}={value}"),
            Request::Withdraw(service) => write!(f, "withdraw {service}"),
            Request::Look(service) => write!(f, "look {service}"),
        }
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Response::Granted => f.write_str("granted"),
            Response::Shown(version, registered) => {
                write!(f, "shown {version}:")?;
                shown_list(f, registered)
            }
        }
    }
}

//! The nodes of the operations that are no step: types with the names of their functions, which come along with
//! every `use` of them. They stand apart from the functions because there the modules have these names.

use std::time::SystemTime;

use super::graph::{NodeInfo, NodeKind};
use super::node::{Node, ValueNode};
use super::spec::Payload;
use crate::model::{Decision, Json, Timestamp};

/// A node of the type that shares its name with a function: what the function is, under which name its checkpoints
/// stand, and what they hold.
macro_rules! nodes {
    ($($function:ident: $kind:ident $name:literal => $output:ty;)*) => { $(
        #[doc(hidden)]
        #[allow(non_camel_case_types)]
        #[derive(Debug)]
        pub enum $function {}

        impl Node for $function {
            type Output = $output;
            type Of = ValueNode<$output>;
            const NODE: NodeInfo =
                NodeInfo::new(NodeKind::$kind, $name, stringify!($function), "sagewai", "");
        }
    )* };
}

nodes! {
    approval: Gate "approval" => Decision;
    now: Record "now" => SystemTime;
    uuid: Record "uuid" => String;
    sleep: Sleep "sleep" => Timestamp;
    sleep_until: Sleep "sleep" => Timestamp;
}

/// What a message says, which the call says or leaves to the compiler.
#[doc(hidden)]
#[allow(non_camel_case_types)]
#[derive(Debug)]
pub enum signal {}

const SIGNAL: NodeInfo = NodeInfo::new(NodeKind::Signal, "signal", "signal", "sagewai", "");

impl<T: Payload> Node<(T,)> for signal {
    type Output = T;
    type Of = ValueNode<T>;
    const NODE: NodeInfo = SIGNAL;
}

impl Node for signal {
    type Output = Json;
    type Of = ValueNode<Json>;
    const NODE: NodeInfo = SIGNAL;
}

/// What a closure returns, which only the call knows.
#[doc(hidden)]
#[allow(non_camel_case_types)]
#[derive(Debug)]
pub enum record {}

impl<G> Node<G> for record {
    type Output = Json;
    type Of = ValueNode<Json>;
    const NODE: NodeInfo = NodeInfo::new(NodeKind::Record, "record", "record", "sagewai", "");
}

/// Where the attribute does not see what is done: one branch for each item, a child that is not called in place.
macro_rules! unknown_nodes {
    ($($function:ident)*) => { $(
        #[doc(hidden)]
        #[allow(non_camel_case_types)]
        #[derive(Debug)]
        pub enum $function {}

        impl<G> Node<G> for $function {
            type Output = Json;
            type Of = ValueNode<Json>;
        }
    )* };
}

unknown_nodes! { child map try_map }

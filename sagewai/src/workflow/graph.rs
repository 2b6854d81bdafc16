//! stub
#![allow(missing_docs)]
#[derive(Debug)]
pub struct Graph;
impl Graph {
    pub const fn fingerprint(&self) -> u64 {
        0
    }
}
#[derive(Debug)]
pub struct GraphNode;
#[derive(Debug)]
pub struct NodeInfo;
#[derive(Debug)]
pub struct NodeKind;
#[derive(Debug)]
pub struct Flow;

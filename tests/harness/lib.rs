//! stub

pub mod binary;

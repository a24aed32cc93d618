//! stub

pub mod demo_data;

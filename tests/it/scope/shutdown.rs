//! The end of the program while requests are given up.

use super::{Scene, cancel_in_the_middle, lock};

#[tokio::test]
async fn a_program_that_ends_with_a_request_given_up_ends() {
    let scene = Scene::new().await;
    let locker = lock(&scene).await;
    // Nothing is awaited from here: the runtime is shut down with the connection still to be settled.
    cancel_in_the_middle(&scene, &locker).await;
}

//! Stopping a run in good order: what has begun is finished, nothing else is begun.

use tokio::sync::watch;

/// Stops the runs that were given its signal.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// What a run looks at before it begins another tenant.
#[derive(Debug, Clone)]
pub struct StopSignal(watch::Receiver<bool>);

impl Stopper {
    /// A stopper and its signal.
    pub fn new() -> (Self, StopSignal) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), StopSignal(receiver))
    }

    /// Stops.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl StopSignal {
    /// A signal that is never given.
    pub fn never() -> Self {
        Stopper::new().1
    }

    /// Whether it was given.
    pub(super) fn is_given(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is given.
    pub(super) async fn given(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|given| *given).await.is_err() {
            // Nobody is left who could give it.
            std::future::pending::<()>().await;
        }
    }
}

//! How far a run is: a line per tenant, or, on a terminal, one line that counts, with rate and time left.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use tenant_schema::fleet::{Event, post_steps};

use crate::output::Output;

/// What a run has told.
pub(super) struct Progress {
    output: Output,
    on_terminal: bool,
    total: usize,
    done: usize,
    failed: usize,
    since: Instant,
}

impl Progress {
    /// Of a run that begins.
    pub(super) fn new(output: Output) -> Self {
        Self {
            output,
            on_terminal: std::io::stderr().is_terminal(),
            total: 0,
            done: 0,
            failed: 0,
            since: Instant::now(),
        }
    }

    /// Tells of something that has happened.
    pub(super) fn tell(&mut self, event: &Event) {
        match event {
            Event::Wave {
                number,
                of,
                tenants,
                left,
            } => {
                self.total = self.done + left;
                if *of > 1 {
                    let tenants = counted(*tenants);
                    self.line(format_args!("wave {number} of {of}: {tenants}"));
                }
            }
            Event::Again {
                slug,
                attempts,
                sqlstate,
                pause,
            } => {
                let pause = pause.as_secs_f64();
                self.line(format_args!(
                    "{slug}: {sqlstate} in attempt {attempts}, again in {pause:.1} s"
                ));
            }
            Event::Pause(pause) => {
                let pause = pause.as_secs_f64();
                self.line(format_args!("waiting {pause} s before the next wave"));
            }
            Event::Tenant(migrated) => {
                self.done += 1;
                let (count, total, slug, from) = (self.done, self.total, &migrated.slug, migrated.from);
                match &migrated.outcome {
                    Ok(_) if self.on_terminal => self.count(),
                    Ok(to) if *to == from => {
                        self.line(format_args!("{count}/{total} {slug}: version {from} already"));
                    }
                    Ok(to) => self.line(format_args!("{count}/{total} {slug}: version {from} to {to}")),
                    Err(_) => {
                        self.failed += 1;
                        self.line(format_args!(
                            "{count}/{total} {slug}: failed, still version {from}"
                        ));
                    }
                }
            }
        }
        if self.on_terminal && self.done == self.total && self.done > 0 {
            self.output.overwrite("");
        }
    }

    fn line(&self, line: std::fmt::Arguments<'_>) {
        if self.on_terminal {
            self.output.overwrite("");
        }
        self.output.progress(line);
    }

    fn count(&self) {
        let line = counting(self.done, self.total, self.failed, self.since.elapsed());
        self.output.overwrite(line);
    }
}

/// How far the post-steps are: a line for each.
pub(super) struct StepProgress {
    output: Output,
    total: usize,
    done: usize,
}

impl StepProgress {
    /// Of a phase that begins.
    pub(super) fn new(output: Output) -> Self {
        Self {
            output,
            total: 0,
            done: 0,
        }
    }

    /// Tells of something that has happened.
    pub(super) fn tell(&mut self, event: &post_steps::Event) {
        match event {
            post_steps::Event::Begun { steps } => self.total = *steps,
            post_steps::Event::Again {
                slug,
                step,
                attempts,
                sqlstate,
                pause,
            } => {
                let pause = pause.as_secs_f64();
                self.output.progress(format_args!(
                    "{slug}: post-step {step}: {sqlstate} in attempt {attempts}, again in {pause:.1} s"
                ));
            }
            post_steps::Event::Tried(tried) => {
                self.done += 1;
                let (done, total, slug, step) = (self.done, self.total, &tried.slug, &tried.step);
                let came = match tried.outcome {
                    post_steps::Outcome::Done => "done",
                    post_steps::Outcome::Pending(_) => "still pending",
                    post_steps::Outcome::Failed(_) => "failed",
                };
                self.output
                    .progress(format_args!("{done}/{total} {slug}: post-step {step} {came}"));
            }
        }
    }
}

fn counted(tenants: usize) -> String {
    match tenants {
        1 => "1 tenant".to_owned(),
        _ => format!("{tenants} tenants"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody has so many tenants")]
fn counting(done: usize, total: usize, failed: usize, elapsed: Duration) -> String {
    let rate = done as f64 / elapsed.as_secs_f64().max(0.001);
    let left = total.saturating_sub(done) as f64 / rate.max(0.001);
    let failed = match failed {
        0 => String::new(),
        _ => format!(", {failed} failed"),
    };
    format!("{done}/{total}, {rate:.0}/s, {left:.0} s left{failed}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_what_the_rate_makes_of_the_rest() {
        let line = counting(50, 200, 1, Duration::from_secs(5));
        assert_eq!(line, "50/200, 10/s, 15 s left, 1 failed");
        assert_eq!(counting(0, 10, 0, Duration::ZERO), "0/10, 0/s, 10000 s left");
    }
}

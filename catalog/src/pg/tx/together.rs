//! Statements that need not wait for each other's answers, sent together: one network flight for all of them.

use futures_util::TryStreamExt as _;
use futures_util::future::{join, join_all};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, SimpleQueryMessage};

use super::{Known, Transaction, is_stale};
use crate::pg::sqlstate::PgError;
use crate::pg::statements::Statements;

/// A statement with its parameters, to be sent with others.
#[derive(Debug)]
pub struct Queued {
    /// The statement, prepared when it is first sent.
    pub sql: &'static str,
    /// Its parameters.
    pub params: Vec<Box<dyn ToSql + Sync + Send>>,
}

impl Queued {
    /// The parameters as the driver takes them.
    pub fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        let mut params: Vec<&(dyn ToSql + Sync)> = Vec::with_capacity(self.params.len());
        for param in &self.params {
            params.push(&**param);
        }
        params
    }
}

/// What came of statements that were sent together: each has an outcome of its own; behind one that failed, all fail.
#[derive(Debug)]
pub struct Flown<const N: usize> {
    /// Of the first ones.
    pub typed: [Outcome<Vec<Row>>; N],
    /// Of the plain one.
    pub plain: Outcome<Vec<Texts>>,
    /// Of the batches: where a statement failed, how many before it had been carried out.
    pub batches: Vec<Result<(), (PgError, usize)>>,
    /// Of the last one.
    pub last: Outcome<Vec<Row>>,
}

/// A statement's own outcome.
type Outcome<T> = Result<T, PgError>;

/// A row of texts.
pub type Texts = Vec<Option<String>>;

impl Transaction {
    /// Sends these statements and then a plain one without parameters, whose rows come as texts. Each has an outcome of
    /// its own; behind one that failed, all fail.
    pub async fn together<const N: usize>(
        &mut self,
        queued: [Queued; N],
        plain: &str,
    ) -> Outcome<([Outcome<Vec<Row>>; N], Outcome<Vec<Texts>>)> {
        let before = self.doubt();
        let known = self.known(&queued).await?;
        let (client, open) = self.opening();
        // The driver writes what is polled first first.
        let (opened, (typed, plain)) = join(
            open,
            join(send(client, &queued, &known), client.simple_query(plain)),
        )
        .await;
        opened.map_err(PgError::of_opening)?;
        let typed = self.outcomes(&queued, typed);
        let plain = plain
            .map(|messages| texts(&messages))
            .map_err(PgError::of_statement);
        if plain.is_ok() && typed.iter().all(Result::is_ok) {
            self.failed = before;
        }
        let typed = typed.try_into();
        Ok((typed.expect("each statement has its outcome"), plain))
    }

    /// The same with batches of plain statements behind it, and one more statement at last.
    pub async fn together_with<const N: usize>(
        &mut self,
        queued: [Queued; N],
        plain: &str,
        batches: &[&str],
        last: Queued,
    ) -> Outcome<Flown<N>> {
        let before = self.doubt();
        let last = [last];
        let known = self.known(&queued).await?;
        let last_known = self.known(&last).await?;
        let (client, open) = self.opening();
        // The driver writes what is polled first first.
        let first = join(send(client, &queued, &known), client.simple_query(plain));
        let then = join(send_batches(client, batches), send(client, &last, &last_known));
        let (opened, ((typed, plain), (batches, ended))) = join(open, join(first, then)).await;
        opened.map_err(PgError::of_opening)?;
        let typed = self.outcomes(&queued, typed);
        let plain = plain.map_err(PgError::of_statement);
        let mut ended = self.outcomes(&last, ended);
        let flown = Flown {
            typed: typed.try_into().expect("each statement has its outcome"),
            plain: plain.map(|messages| texts(&messages)),
            batches,
            last: ended.pop().expect("the last statement has its outcome"),
        };
        let typed = flown.typed.iter().all(Result::is_ok);
        let batches = flown.batches.iter().all(Result::is_ok);
        if typed && batches && flown.plain.is_ok() && flown.last.is_ok() {
            self.failed = before;
        }
        Ok(flown)
    }

    /// Sends plain statements (there may be none), these, and COMMIT. Where one fails, nothing is committed, and its error
    /// is given.
    pub async fn commit_after<const N: usize>(mut self, plain: &str, queued: [Queued; N]) -> Outcome<()> {
        if self.failed {
            self.end("rollback").await?;
            return Err(PgError::Aborted);
        }
        self.doubt();
        let known = match self.known(&queued).await {
            Ok(known) => known,
            Err(error) => {
                // At once: what it holds would stay locked until somebody wants the connection.
                let _gone = self.end("rollback").await;
                return Err(error);
            }
        };
        let (client, open) = self.opening();
        let plain = async {
            match plain {
                "" => Ok(()),
                _ => client.batch_execute(plain).await,
            }
        };
        let commit = client.batch_execute("commit");
        let sent = join(plain, join(send(client, &queued, &known), commit));
        let (opened, (plain, (typed, committed))) = join(open, sent).await;
        opened.map_err(PgError::of_opening)?;
        plain.map_err(PgError::of_statement)?;
        for outcome in self.outcomes(&queued, typed) {
            outcome?;
        }
        committed.map_err(PgError::of_statement)?;
        self.connection.open = false;
        Ok(())
    }

    /// What is known of these statements on this connection; the first time takes a flight of its own.
    async fn known(&mut self, queued: &[Queued]) -> Outcome<Vec<Known>> {
        let mut known = Vec::with_capacity(queued.len());
        for one in queued {
            known.push(self.connection.statements.get(&self.scope, one.sql).cloned());
        }
        let pairs = || queued.iter().zip(&known);
        let unknown = pairs().filter_map(|(one, known)| known.is_none().then_some(one.sql));
        let unknown: Vec<&'static str> = unknown.collect();
        if !unknown.is_empty() {
            let pooled = self.connection.pooled;
            let (client, open) = self.opening();
            // In the transaction: behind a pooler that is as long as a session is ours.
            let prepare = join_all(unknown.iter().map(|sql| client.prepare(sql)));
            let (opened, prepared) = join(open, prepare).await;
            opened.map_err(PgError::of_opening)?;
            let gaps = known.iter_mut().filter(|known| known.is_none());
            for ((gap, sql), statement) in gaps.zip(unknown).zip(prepared) {
                let learnt = Known::of(statement.map_err(PgError::of_statement)?, pooled);
                if Statements::<Known>::keeps(sql) {
                    self.connection.statements.keep(&self.scope, sql, learnt.clone());
                }
                *gap = Some(learnt);
            }
        }
        Ok(known.into_iter().flatten().collect())
    }

    fn outcomes(
        &mut self,
        queued: &[Queued],
        answers: Vec<Result<Vec<Row>, tokio_postgres::Error>>,
    ) -> Vec<Outcome<Vec<Row>>> {
        let outcome = |(one, answer): (&Queued, Result<Vec<Row>, tokio_postgres::Error>)| {
            if answer.as_ref().is_err_and(is_stale) {
                self.connection.statements.forget(&self.scope, one.sql);
            }
            answer.map_err(PgError::of_statement)
        };
        queued.iter().zip(answers).map(outcome).collect()
    }
}

async fn send(
    client: &Client,
    queued: &[Queued],
    known: &[Known],
) -> Vec<Result<Vec<Row>, tokio_postgres::Error>> {
    let sent = queued.iter().zip(known).map(|(one, known)| async move {
        let (rows, _) = known.run(client, one.sql, &one.params()).await?;
        Ok(rows)
    });
    join_all(sent).await
}

/// All are written before the first answer is awaited.
async fn send_batches(client: &Client, batches: &[&str]) -> Vec<Result<(), (PgError, usize)>> {
    let sent = batches.iter().map(|sql| counted(client, sql));
    join_all(sent).await
}

/// Carries out several statements in one message, and counts how many were.
pub(super) async fn counted(client: &Client, sql: &str) -> Result<(), (PgError, usize)> {
    let mut done = 0;
    let failed = |error, done| (PgError::of_statement(error), done);
    let stream = client.simple_query_raw(sql).await;
    let mut stream = std::pin::pin!(stream.map_err(|error| failed(error, done))?);
    while let Some(message) = stream.try_next().await.map_err(|error| failed(error, done))? {
        done += usize::from(matches!(message, SimpleQueryMessage::CommandComplete(_)));
    }
    Ok(())
}

/// The rows of an answer by the simple protocol.
pub(super) fn texts(messages: &[SimpleQueryMessage]) -> Vec<Texts> {
    let row = |message: &SimpleQueryMessage| match message {
        SimpleQueryMessage::Row(row) => {
            let texts = (0..row.len()).map(|column| row.get(column).map(str::to_owned));
            Some(texts.collect())
        }
        _ => None,
    };
    messages.iter().filter_map(row).collect()
}

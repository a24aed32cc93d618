//! A network between programs and PostgreSQL: what goes through arrives a while later, whatever it is.

use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// A port that stands for PostgreSQL's, with a distance. It is closed when dropped.
#[derive(Debug)]
pub struct Link {
    port: u16,
    listener: JoinHandle<()>,
}

impl Link {
    /// Opens one to the server that listens on this port; each way takes so long.
    pub async fn open(port: u16, each_way: Duration) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let own = listener.local_addr()?.port();
        let listener = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(async move {
                    // A connection that fails is its client's to tell of.
                    let _told = join(near, port, each_way).await;
                });
            }
        });
        Ok(Self { port: own, listener })
    }

    /// The port on the loopback interface.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// Both ways of a connection, until both are closed.
async fn join(near: TcpStream, port: u16, each_way: Duration) -> Result<()> {
    let far = TcpStream::connect(("127.0.0.1", port)).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
    tokio::try_join!(way(from_near, to_far, each_way), way(from_far, to_near, each_way))?;
    Ok(())
}

/// What was sent after something else does not wait until that has arrived.
async fn way(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, each_way: Duration) -> Result<()> {
    let (sender, mut under_way) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let send = async move {
        loop {
            let mut bytes = Vec::with_capacity(16 * 1024);
            if from.read_buf(&mut bytes).await? == 0
                || sender.send((Instant::now() + each_way, bytes)).is_err()
            {
                return anyhow::Ok(());
            }
        }
    };
    let arrive = async move {
        while let Some((due, bytes)) = under_way.recv().await {
            tokio::time::sleep_until(due).await;
            to.write_all(&bytes).await?;
        }
        to.shutdown().await?;
        anyhow::Ok(())
    };
    tokio::try_join!(send, arrive)?;
    Ok(())
}

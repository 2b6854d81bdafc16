//! A network between a worker and PostgreSQL that can fail: cut, silent, or losing what the server says.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use crate::support::postgres::Database;

/// How the network behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// As it should.
    Whole,
    /// Connections end, and no new ones come about.
    Cut,
    /// Nothing goes through, and nobody is told.
    Silent,
    /// What is sent arrives; the answer does not, and the connection ends.
    LosesReplies,
}

/// The way to a database. Connections through it end with it.
pub struct Proxy {
    /// The database, through this proxy.
    pub url: String,
    network: watch::Sender<Network>,
    /// Whether those that listen hear nothing any more, and are not told so.
    deaf: Arc<AtomicBool>,
    /// Of the server to which new connections lead.
    port: Arc<AtomicU16>,
    accepts: AbortHandle,
}

impl Proxy {
    pub async fn to(database: &Database) -> Proxy {
        let (address, folder) = database.url.split_once("?host=").unwrap();
        let name = address.rsplit('/').next().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "postgres://postgres@{}/{name}",
            listener.local_addr().unwrap()
        );
        let port = Arc::new(AtomicU16::new(5432));
        let (network, watched) = watch::channel(Network::Whole);
        let deaf = Arc::<AtomicBool>::default();
        let accepts = tokio::spawn(accept(
            listener,
            folder.into(),
            port.clone(),
            watched,
            deaf.clone(),
        ));
        Proxy {
            url,
            network,
            deaf,
            port,
            accepts: accepts.abort_handle(),
        }
    }

    pub fn be(&self, network: Network) {
        self.network.send_replace(network);
    }

    /// From now on, new connections lead to the server under this port.
    pub fn lead_to(&self, port: u16) {
        self.port.store(port, Ordering::SeqCst);
    }

    /// From now on, those that listen hear nothing.
    pub fn deafen(&self) {
        self.deaf.store(true, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepts.abort();
    }
}

async fn accept(
    listener: TcpListener,
    folder: PathBuf,
    port: Arc<AtomicU16>,
    network: watch::Receiver<Network>,
    deaf: Arc<AtomicBool>,
) {
    // They end with this task.
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        if *network.borrow() == Network::Cut {
            continue;
        }
        let socket = format!(".s.PGSQL.{}", port.load(Ordering::SeqCst));
        let Ok(server) = UnixStream::connect(folder.join(socket)).await else {
            continue;
        };
        connections.spawn(connect(client, server, network.clone(), deaf.clone()));
        while connections.try_join_next().is_some() {}
    }
}

/// Carries bytes both ways until one side ends or the network does.
async fn connect(
    mut client: TcpStream,
    mut server: UnixStream,
    mut network: watch::Receiver<Network>,
    deaf: Arc<AtomicBool>,
) {
    let (mut sent, mut said) = ([0; 8192], [0; 8192]);
    let mut listens = false;
    loop {
        let now = *network.borrow_and_update();
        match now {
            Network::Cut => return,
            Network::Silent => {
                if network.changed().await.is_err() {
                    return;
                }
                continue;
            }
            Network::Whole | Network::LosesReplies => {}
        }
        tokio::select! {
            biased;
            changed = network.changed() => if changed.is_err() {
                return;
            },
            read = client.read(&mut sent) => match read {
                Ok(length) if length > 0 => {
                    listens |= sent[..length].windows(6).any(|word| word == b"LISTEN");
                    if server.write_all(&sent[..length]).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
            read = server.read(&mut said) => match read {
                Ok(length) if length > 0 => {
                    if now == Network::LosesReplies {
                        return;
                    }
                    let lost = listens && deaf.load(Ordering::SeqCst);
                    if !lost && client.write_all(&said[..length]).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
        }
    }
}

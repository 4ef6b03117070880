//! Requests out of a connection: a head (RFC 9112, section 2), then a body by its length or in chunks.

use std::io;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::Request;

/// The most headers of a request.
const HEADERS: usize = 64;
/// The most bytes of a head, and of a body.
const MOST: usize = 8 << 20;

struct Head {
    request: Request,
    /// How many bytes it took.
    taken: usize,
    framing: Framing,
    keep: bool,
    /// The peer sends its body only when it is told to go on.
    expects: bool,
}

#[derive(Clone, Copy)]
enum Framing {
    Length(usize),
    Chunked,
}

/// The next request, and whether the connection stays open after it; none if the peer has left.
/// What comes behind it stays in the buffer.
///
/// # Errors
/// `InvalidData` for what is no request; others if the connection breaks.
pub(super) async fn request(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
) -> io::Result<Option<(Request, bool)>> {
    let head = loop {
        if let Some(head) = head(buffer)? {
            break head;
        }
        if buffer.len() > MOST {
            return Err(bad("the head is too long"));
        }
        if !more(stream, buffer).await? {
            return if buffer.is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
    };
    if head.expects {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let (body, end) = match head.framing {
        Framing::Length(length) => {
            need(stream, buffer, head.taken + length).await?;
            (buffer[head.taken..head.taken + length].to_vec(), head.taken + length)
        }
        Framing::Chunked => chunks(stream, buffer, head.taken).await?,
    };
    buffer.drain(..end);
    Ok(Some((Request { body, ..head.request }, head.keep)))
}

/// Reads what has come; `false` if nothing will come any more.
async fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<bool> {
    buffer.reserve(8 << 10);
    Ok(stream.read_buf(buffer).await? > 0)
}

/// Reads until the buffer has this many bytes.
async fn need(stream: &mut TcpStream, buffer: &mut Vec<u8>, bytes: usize) -> io::Result<()> {
    while buffer.len() < bytes {
        if !more(stream, buffer).await? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

async fn one_more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    let wanted = buffer.len() + 1;
    need(stream, buffer, wanted).await
}

/// A body in chunks (RFC 9112, section 7.1) that begins at `at`, and where it ends. Trailers are dropped.
async fn chunks(stream: &mut TcpStream, buffer: &mut Vec<u8>, mut at: usize) -> io::Result<(Vec<u8>, usize)> {
    let mut body = Vec::new();
    loop {
        let read = httparse::parse_chunk_size(&buffer[at..]).map_err(|_| bad("a chunk has no size"))?;
        let httparse::Status::Complete((taken, size)) = read else {
            one_more(stream, buffer).await?;
            continue;
        };
        at += taken;
        let size = usize::try_from(size).ok().filter(|size| size.saturating_add(body.len()) <= MOST);
        let size = size.ok_or_else(|| bad("the chunks are too long"))?;
        if size == 0 {
            break;
        }
        need(stream, buffer, at + size + 2).await?;
        body.extend_from_slice(&buffer[at..at + size]);
        at += size + 2;
    }
    loop {
        let line = buffer[at..].windows(2).position(|pair| pair == b"\r\n");
        match line {
            Some(0) => return Ok((body, at + 2)),
            Some(line) => at += line + 2,
            None => one_more(stream, buffer).await?,
        }
    }
}

fn head(buffer: &[u8]) -> io::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(taken) = parsed.parse(buffer).map_err(|error| bad(&error.to_string()))?
    else {
        return Ok(None);
    };
    let mut request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        target: parsed.path.unwrap_or_default().to_owned(),
        ..Request::default()
    };
    for header in &*parsed.headers {
        let value = String::from_utf8_lossy(header.value).into_owned();
        request.headers.push((header.name.to_ascii_lowercase(), value));
    }
    let says = |name: &str, token: &str| {
        let said = request.header(name).unwrap_or_default();
        said.split(',').any(|said| said.trim().eq_ignore_ascii_case(token))
    };
    let framing = if says("transfer-encoding", "chunked") {
        Framing::Chunked
    } else {
        let length = request.header("content-length").map_or(Ok(0), str::parse::<usize>);
        let length = length.ok().filter(|length| *length <= MOST);
        Framing::Length(length.ok_or_else(|| bad("the content's length is none"))?)
    };
    let keep = if parsed.version == Some(0) {
        says("connection", "keep-alive")
    } else {
        !says("connection", "close")
    };
    let expects = says("expect", "100-continue");
    Ok(Some(Head { request, taken, framing, keep, expects }))
}

fn bad(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

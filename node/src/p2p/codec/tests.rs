use futures::io::Cursor;

use super::*;

fn encoded(length: u32, frame: &[u8]) -> Vec<u8> {
    [&length.to_le_bytes(), frame].concat()
}

fn read(bytes: &[u8]) -> (io::Result<Bytes>, Arc<Semaphore>) {
    let budget = Arc::new(Semaphore::new(INBOUND_BYTES_MAX));
    let read = futures::executor::block_on(read_frame(&mut Cursor::new(bytes), &budget));
    (read, budget)
}

#[test]
fn what_is_written_is_read() {
    for size in [0, 1, COALESCED_BYTES_MAX, COALESCED_BYTES_MAX + 1, FRAME_BYTES_MAX] {
        let frame = Bytes::from(
            (0..size).map(|i| u8::try_from(i % 251).expect("small")).collect::<Vec<_>>(),
        );
        let mut codec = FrameCodec::new(Arc::new(Shared::default()));
        let mut wire = Cursor::new(Vec::new());
        let protocol = StreamProtocol::new(PROTOCOL);
        let written = codec.write_request(&protocol, &mut wire, frame.clone());
        futures::executor::block_on(written).expect("written");
        let wire = wire.into_inner();
        assert_eq!(wire.len(), PREFIX_BYTES + size);
        let (frame_read, budget) = read(&wire);
        let frame_read = frame_read.expect("read");
        assert_eq!(frame_read, frame);
        assert_eq!(budget.available_permits(), INBOUND_BYTES_MAX - size);
        drop(frame_read);
        assert_eq!(budget.available_permits(), INBOUND_BYTES_MAX, "the budget comes back");
    }
}

#[test]
fn malformed_frames_are_refused() {
    let too_long = u32::try_from(FRAME_BYTES_MAX + 1).expect("fits");
    let rows: [(&str, Vec<u8>, io::ErrorKind); 6] = [
        ("nothing", vec![], io::ErrorKind::UnexpectedEof),
        ("half a prefix", vec![1, 0], io::ErrorKind::UnexpectedEof),
        ("a cut frame", encoded(3, b"ab"), io::ErrorKind::UnexpectedEof),
        ("a byte too many", encoded(3, b"abcd"), io::ErrorKind::InvalidData),
        ("a frame over the limit", encoded(too_long, b"ab"), io::ErrorKind::InvalidData),
        ("the largest length", encoded(u32::MAX, b"ab"), io::ErrorKind::InvalidData),
    ];
    for (what, wire, kind) in rows {
        let (frame, budget) = read(&wire);
        assert_eq!(frame.expect_err(what).kind(), kind, "{what}");
        assert_eq!(budget.available_permits(), INBOUND_BYTES_MAX, "{what}: the budget comes back");
    }
}

#[test]
fn a_promise_of_bytes_reserves_64_kib() {
    let budget = Arc::new(Semaphore::new(INBOUND_BYTES_MAX));
    let (reader, mut writer) = tokio::io::duplex(1024);
    let length = u32::try_from(FRAME_BYTES_MAX).expect("fits");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
    runtime.block_on(async {
        let mut reader = Duplex(reader);
        let reading = read_frame(&mut reader, &budget);
        let mut reading = std::pin::pin!(reading);
        tokio::io::AsyncWriteExt::write_all(&mut writer, &encoded(length, b"a"))
            .await
            .expect("sent");
        for _ in 0..8 {
            assert!(futures::poll!(reading.as_mut()).is_pending());
            tokio::task::yield_now().await;
        }
        assert_eq!(budget.available_permits(), INBOUND_BYTES_MAX - FIRST_RESERVATION_BYTES);
    });
}

#[test]
fn the_budget_is_per_connection() {
    let behaviour = FrameCodec::new(Arc::new(Shared::default()));
    let (one, other) = (behaviour.clone(), behaviour.clone());
    let stream = one.clone();
    let budget = |codec: &FrameCodec| codec.budget.clone().expect("a clone has a budget");
    assert!(Arc::ptr_eq(&budget(&one), &budget(&stream)));
    assert!(!Arc::ptr_eq(&budget(&one), &budget(&other)));
}

/// A tokio pipe as a futures reader.
struct Duplex(tokio::io::DuplexStream);

impl AsyncRead for Duplex {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buffer: &mut [u8],
    ) -> std::task::Poll<io::Result<usize>> {
        let mut buffer = tokio::io::ReadBuf::new(buffer);
        let read =
            tokio::io::AsyncRead::poll_read(std::pin::Pin::new(&mut self.0), cx, &mut buffer);
        read.map_ok(|()| buffer.filled().len())
    }
}

package memnet

// firstRing is the capacity of a ring's first buffer. Most connections carry
// small commands; only those that need more grow, up to Window.
const firstRing = 2 << 10

// ring is a bounded first-in-first-out buffer of bytes.
type ring struct {
	buf  []byte
	head int // index of the oldest byte
	n    int // bytes held
}

func (r *ring) read(p []byte) int {
	n := min(len(p), r.n)
	k := copy(p[:n], r.buf[r.head:])
	copy(p[k:n], r.buf)
	r.n -= n
	r.head += n
	if r.head >= len(r.buf) {
		r.head -= len(r.buf)
	}
	if r.n == 0 {
		r.head = 0
	}
	return n
}

// write takes as much of p as fits into Window.
func (r *ring) write(p []byte) int {
	n := min(len(p), Window-r.n)
	if r.n+n > len(r.buf) {
		r.grow(r.n + n)
	}
	tail := r.head + r.n
	if tail >= len(r.buf) {
		tail -= len(r.buf)
	}
	k := copy(r.buf[tail:], p[:n])
	copy(r.buf, p[k:n])
	r.n += n
	return n
}

func (r *ring) grow(need int) {
	size := max(len(r.buf), firstRing)
	for size < need {
		size *= 2
	}
	buf := make([]byte, size)
	held := r.n
	r.read(buf[:held])
	r.buf, r.head, r.n = buf, 0, held
}

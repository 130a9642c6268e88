package resp

import "io"

// Replies cuts a server's stream into replies and pushes. One goroutine uses
// it at a time.
type Replies struct {
	window
	scan  Scanner
	at    int // how far the frame was scanned, from its start
	whole bool
}

// NewReplies returns a reader of src.
func NewReplies(src io.Reader) *Replies {
	return &Replies{window: window{src: src}}
}

// Ready reports whether Next would return without reading.
func (p *Replies) Ready() bool {
	err := p.find()
	return p.whole || err != nil
}

// Next returns the next frame, valid until the next call. Its errors are those
// of Requests.Next.
func (p *Replies) Next() ([]byte, error) {
	for {
		if err := p.find(); err != nil {
			return nil, err
		}
		if p.whole {
			frame := p.take(p.at)
			p.at, p.whole = 0, false
			return frame, nil
		}
		if err := p.fill(); err != nil {
			if err == io.EOF && p.r < p.w {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}

func (p *Replies) find() error {
	if p.whole {
		return nil
	}
	n, whole, err := p.scan.Scan(p.unread()[p.at:])
	p.at += n
	p.whole = whole
	return err
}

// IsPush reports whether the frame is a RESP3 push: no reply to a command.
func IsPush(frame []byte) bool { return len(frame) > 0 && frame[0] == '>' }

// IsError reports whether the frame is an error reply.
func IsError(frame []byte) bool {
	return len(frame) > 0 && (frame[0] == '-' || frame[0] == '!')
}

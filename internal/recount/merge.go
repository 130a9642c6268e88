package recount

// who names a worker in a sentence.
func (w worker) who() string {
	switch w.Process {
	case "arm":
		return "the process of arm " + w.Name
	case "stage":
		return "the process of the stage"
	}
	return "worker " + w.Name
}

// lacking are the workers that are missing or were cut off.
func (m *merge) lacking() (found sentences) {
	if m == nil {
		return nil
	}
	for _, w := range m.Workers {
		switch {
		case w.Missing != "":
			found = append(found, literally("%s is missing: %s", w.who(), w.Missing))
		case !w.Complete:
			found = append(found, literally("%s did not end properly", w.who())+text)
		}
	}
	return found
}

// stoodStill are the workers that stood still for more than 5 % of their time
// after warm-up. Where the stage's process did, all did.
func (m *merge) stoodStill() (reasons sentences) {
	if m == nil {
		return nil
	}
	for _, w := range m.Workers {
		if w.Process != "stage" && float64(nanoseconds(w.Stalled)) > 0.05*float64(nanoseconds(w.Measured)) {
			reasons = append(reasons, literally("%s stood still for", w.who())+text)
		}
	}
	return reasons
}

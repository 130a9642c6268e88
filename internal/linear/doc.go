// Package linear asks whether the history of a key with several clients is
// linearizable: whether some order of its operations, each between its
// beginning and its end, explains every reply.
//
// The one invariant: a key is called violated only if no such order exists,
// whatever became of writes whose end nobody saw, and of tries that the client
// repeated. A check that takes too long says so.
//
// The search is porcupine's; what is ours is the model. It refuses to guess
// from a part of a history.
package linear

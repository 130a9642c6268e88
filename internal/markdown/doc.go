// Package markdown puts text of others into Markdown: what a server answered, or
// the name that somebody gave an arm, must not become markup in a pull request.
package markdown

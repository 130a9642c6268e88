package upgrade

// UnnamedName is what an upgrade is called that really takes place and that
// nobody has said more of. It is not in the catalog: it cannot be played.
const UnnamedName = "unnamed"

// Unnamed returns the upgrade of that name. Nothing is expected of it.
func Unnamed() Upgrade {
	return Upgrade{Name: UnnamedName, Title: "Unnamed upgrade", Summary: "An upgrade that really takes place."}
}

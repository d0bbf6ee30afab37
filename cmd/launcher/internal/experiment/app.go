package experiment

// App is the application that is measured. The results have its name and environment alone: where it
// is says nothing to their readers.
type App struct {
	Name        string `json:"name"`        // of its folder
	Environment string `json:"environment"` // production
	Root        string `json:"-"`           // absolute
	Entry       string `json:"-"`           // config.ru or config/environment.rb, below the root
	Ruby        string `json:"-"`           // the interpreter: a path, or a name on PATH
}

"""HTML pages: templates, forms and assets."""

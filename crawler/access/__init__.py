"""Who may do what: clients, their API keys and quotas. Knows no HTTP and nothing of crawling."""

# A host that changed three times: a pack, a newer version of it, and two more.
packctl install hello@1.0.0
packctl install hello@latest
packctl install morning_report

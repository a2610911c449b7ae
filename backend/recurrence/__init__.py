"""When something is due: cron expressions, rules, time zones, titles.

Not here: carrying it out (`schedules`). Pure: times come in as arguments.
"""

"""What happens to one page, cheapest test first: screen, parse, language, recall floor,
document."""

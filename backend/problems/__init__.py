"""Why something is refused: a kind with parameters, and the sentence for people made from them.

Not here: HTTP statuses and headers (`http.problems`), unforeseen errors. Pure: any thread.
"""

//! What transactions mean: merchants, categories, recurring payments, duplicates, matches. Pure, no IO.

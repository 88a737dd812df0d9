"""From symptoms and history to diseases, drugs and doses by age: a small table, synthetic patients, four classifiers."""

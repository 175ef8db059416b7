-- Numbers of installations and repositories, and what a delivery is about, are a forge's.

-- Whose: the host of its API, "api.github.com". '' until a bot says which one its settings name (store_host).
ALTER TABLE installation ADD COLUMN host TEXT NOT NULL DEFAULT '';
ALTER TABLE repository ADD COLUMN host TEXT NOT NULL DEFAULT '';
ALTER TABLE delivery ADD COLUMN host TEXT NOT NULL DEFAULT '';

-- What a run said before all of its head was evaluated (records/first.h): a JSON array, an element for each job that was asked.
ALTER TABLE run ADD COLUMN first TEXT;

package packet

// AnswerFrom is for the fuzz test.
func AnswerFrom(way []byte) int { return answerFrom(way) }

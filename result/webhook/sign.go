package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of Standard Webhooks, as net/http spells them.
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

const version = "v1," // HMAC-SHA256

// signature is the MAC of one message under one secret, which is not zero.
func signature(s Secret, id, timestamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, s.key())
	io.WriteString(mac, id+"."+timestamp+".")
	mac.Write(body)
	return mac.Sum(nil)
}

// signed are the headers of one attempt.
func signed(id string, at time.Time, body []byte, secrets []Secret) http.Header {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	all := make([]string, len(secrets))
	for i, s := range secrets {
		all[i] = version + base64.StdEncoding.EncodeToString(signature(s, id, timestamp, body))
	}
	return http.Header{
		headerID:        {id},
		headerTimestamp: {timestamp},
		headerSignature: {strings.Join(all, " ")},
	}
}
